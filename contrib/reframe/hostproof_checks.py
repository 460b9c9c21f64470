"""Acceptance of a node as a ReFrame check (ReFrame 4.10).

    reframe -c hostproof_checks.py -r
    reframe -c hostproof_checks.py -r -S profile=full -S spec=/etc/hostproof/node.toml

ReFrame's references compare bare numbers; the unit is printed and never looked at. Here value and reference come from one
JSON, both in base units (B/s, FLOP/s, s), so that neither can be in another unit than the other.
"""

import json
import os

import reframe as rfm
import reframe.utility.sanity as sn
from reframe.core.builtins import run_before, sanity_function, variable

JUDGEMENT = 'judgement.json'


@rfm.simple_test
class HostproofAccept(rfm.RunOnlyRegressionTest):
    """All demanded criteria are met; every judged target is a performance variable."""

    descr = 'hostproof: the node delivers its documented figures'
    valid_systems = ['*']
    valid_prog_environs = ['*']
    executable = 'hostproof'
    # Two measurements on one node disturb each other.
    exclusive_access = True
    time_limit = '8h'

    profile = variable(str, value='quick')
    spec = variable(str, value='PY-HPC-2024.Q3')
    workloads = variable(str, value='stream,dense,disk')

    @run_before('run')
    def set_options(self):
        self.executable_opts = [
            'accept', '--profile', self.profile, '--spec', self.spec, '--only', self.workloads,
            '--out', 'results', '--json', '>', JUDGEMENT,
        ]
        self.postrun_cmds = ['hostproof report latest --out results --html report.html --junit junit.xml']
        self.keep_files = [JUDGEMENT, 'report.html', 'junit.xml', 'results']

    def judgement(self):
        with open(os.path.join(self.stagedir, JUDGEMENT)) as file:
            return json.load(file)

    @sanity_function
    def is_accepted(self):
        judgement = self.judgement()
        return sn.assert_eq(judgement['acceptance'], 'accepted', msg=judgement['answer'])

    @run_before('performance')
    def set_figures(self):
        references = {}
        for target in self.judgement()['targets']:
            # Of the others the judgement says why they decide nothing.
            if target['verdict'] not in ('PASS', 'FAIL'):
                continue
            measured, documented = target['measured']['value'], target['documented']
            assert measured['unit'] == documented['unit'], target['id']
            name = target['id'].replace('.', '_')
            self.perf_variables[name] = sn.make_performance_function(sn.defer(measured['value']), measured['unit'])
            tolerance = target['tolerance']
            bounds = (-tolerance, None) if target['better'] == 'higher' else (None, tolerance)
            if not target['required']:
                # It is shown, and fails nobody.
                bounds = (None, None)
            references[name] = (documented['value'], *bounds, documented['unit'])
        self.reference = {'*': references}
