"""Prints the shell commands of a job: those of `script:` in a GitLab file, those of each `sh` in a Jenkinsfile."""

import re
import sys

path = sys.argv[1]
text = open(path).read()
if path.endswith('.yml'):
    import yaml

    jobs = [job for job in yaml.safe_load(text).values() if isinstance(job, dict) and 'script' in job]
    assert len(jobs) == 1 and jobs[0]['artifacts']['reports']['junit'] == 'junit.xml', jobs
    print('\n'.join(jobs[0]['script']))
else:
    steps = re.findall(r"\bsh\b[^\n]*'''(.*?)'''", text, re.DOTALL)
    assert len(steps) == 2, steps
    print('\n'.join(steps))
