//! Markdown: a summary for a ticket or a merge request.

use verdict::{Row, Verdict};

use super::{Error, last};
use crate::gate;
use crate::judged::Judged;
use crate::markdown::escape;
use crate::text::{documented, share, spread};

/// The verdict, a table of the targets, the reasons, and which runs they are of.
pub fn markdown(judged: &Judged<'_>) -> Result<String, Error> {
    let (run, _) = last(judged)?;
    let judgement = judged.judgement;
    let mut text = format!("# {} against {}\n\n", escape(&judgement.host), escape(&judgement.system));
    let counts: Vec<String> = Verdict::ALL
        .iter()
        .filter(|verdict| judgement.count(**verdict) > 0)
        .map(|verdict| format!("{} {verdict}", judgement.count(*verdict)))
        .collect();
    text += &format!("**{}**\n\nTargets: {}\n\n", escape(&gate::answer(judgement)), counts.join(", "));
    text += "| target | documented | document's ceiling | measured | of documented | of this host | verdict |\n";
    text += "|---|---:|---:|---:|---:|---:|---|\n";
    for row in &judgement.rows {
        text += &format!("| {} |\n", cells(row).map(|cell| escape(&cell)).join(" | "));
    }
    text += "\n| part | documented | this host | verdict |\n|---|---|---|---|\n";
    for row in gate::concerning(judgement) {
        let found = row.found.clone().unwrap_or_default();
        let title = if row.required { row.title.clone() } else { format!("{} (optional)", row.title) };
        let cells = [title, row.documented.clone(), found, row.verdict.name().to_owned()];
        text += &format!("| {} |\n", cells.map(|cell| escape(&cell)).join(" | "));
    }
    text += "\n## Reasons\n\n";
    for remark in &judgement.remarks {
        text += &format!("{}\n\n", escape(remark));
    }
    for row in &judgement.rows {
        text += &format!("- {} {}: {}\n", escape(&row.id), row.verdict, escape(&row.reason));
    }
    for row in gate::concerning(judgement).filter(|row| row.verdict != Verdict::Pass) {
        text += &format!("- {} {}: {}\n", escape(&row.id), row.verdict, escape(&row.reason));
    }
    let build = &run.build;
    text += &format!(
        "\nRuns {}; the last: profile {}, hostproof {} {}, started {}.\n",
        escape(&judgement.runs.join(", ")),
        run.profile.name(),
        escape(&build.version),
        escape(&build.revision),
        escape(&run.started),
    );
    Ok(text)
}

fn cells(row: &Row) -> [String; 7] {
    let beside = if row.companion_of.is_some() { "achievable: " } else { "" };
    let measured = row.measured.as_ref();
    let measured = measured.map(|measured| format!("{} {}", measured.value, spread(&measured.summary)));
    let of_host = row.host_limit.as_ref().zip(row.share_of_host);
    [
        format!("{beside}{}{}", row.title, if row.required { "" } else { " (optional)" }),
        documented(row.documented, row.approximate),
        row.ceiling.map(|ceiling| ceiling.to_string()).unwrap_or_default(),
        measured.unwrap_or_default(),
        row.share_of_target.map(share).unwrap_or_default(),
        of_host.map(|(limit, of)| format!("{} of {}", share(of), limit.kind.name())).unwrap_or_default(),
        row.verdict.name().to_owned(),
    ]
}
