//! `hostproof audit`: which documented targets could ever be met, by arithmetic alone.

use anyhow::Result;

use crate::args::AuditArgs;
use crate::commands::{look, print, print_as_is, print_json};
use crate::exit::Exit;
use crate::locations::Specification;

pub(crate) fn audit(args: &AuditArgs) -> Result<Exit> {
    let specification = Specification::load(&args.spec)?;
    let audit = spec::audit::audit(&specification.system, &specification.siblings);
    if args.json {
        print_json(&report::json::audit(&specification.system, &audit))?;
    } else if args.markdown {
        print_as_is(&report::markdown::audit(&specification.system, &audit))?;
    } else {
        print(&report::terminal::audit(&specification.system, &audit, args.summary, look()))?;
    }
    Ok(Exit::Done)
}
