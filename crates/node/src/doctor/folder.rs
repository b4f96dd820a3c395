//! The data folder: keystore, journal, disk, genesis.

use super::{Checked, Patient};
use crate::clearing::GenesisFile;
use crate::config::format;
use crate::keystore::{KEYSTORE_FILE, Passphrase};
use kofo_primitives::Seed;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// With less no swap begins (bytes).
const LEAST: u64 = 64 * 1024 * 1024;
/// With less there is not much time left (bytes).
const LITTLE: u64 = 1024 * 1024 * 1024;

pub(super) fn checks(
    patient: &Patient<'_>,
    passphrase: Option<&Passphrase>,
    household: Option<&Seed>,
) -> Vec<Checked> {
    let mut checks = Vec::new();
    if patient.config.signer.is_none() {
        checks.push(keystore(patient.data));
    }
    checks.extend([disk(patient), journal(patient, passphrase, household)]);
    checks.extend(genesis(patient));
    checks
}

/// Whether this program understands the folder at all.
pub(super) fn format(data: &Path) -> Checked {
    match format::read(data) {
        Ok(format) if format <= format::FORMAT => {
            Checked::ok("format", format!("{format}, which this program knows"))
        }
        Ok(newer) => {
            let found = format!("{newer}, and this program knows {}", format::FORMAT);
            Checked::fail(
                "format",
                found,
                "use the kofo that wrote the folder, or a later one",
            )
        }
        Err(error) => Checked::fail("format", error.to_string(), "restore the file"),
    }
}

fn keystore(data: &Path) -> Checked {
    let path = data.join(KEYSTORE_FILE);
    let mode = match std::fs::metadata(&path) {
        Ok(there) => there.permissions().mode(),
        Err(error) => {
            let todo =
                "restore it from the 24 words with `kofo init --restore` in a new folder, or copy it back";
            return Checked::fail("keystore", format!("{}: {error}", path.display()), todo);
        }
    };
    if mode & 0o077 != 0 {
        let found = format!("{} can be read by others than its owner", path.display());
        return Checked::warn("keystore", found, format!("chmod 600 {}", path.display()));
    }
    Checked::ok("keystore", "there, and its owner's alone")
}

fn disk(patient: &Patient<'_>) -> Checked {
    let folder = patient.data.join(&patient.config.journal);
    let free = match fs4::available_space(&folder) {
        Ok(free) => free,
        Err(error) => {
            let found = format!("{}: {error}", folder.display());
            return Checked::fail("disk", found, "the journal's folder must be there: copy it back");
        }
    };
    let found = format!("{} MiB free for the journal", free / (1024 * 1024));
    let todo = "make room: with less than 64 MiB no swap begins, and with none the node stops";
    match free {
        0..LEAST => Checked::fail("disk", found, todo),
        LEAST..LITTLE => Checked::warn("disk", found, todo),
        LITTLE.. => Checked::ok("disk", found),
    }
}

fn journal(patient: &Patient<'_>, passphrase: Option<&Passphrase>, household: Option<&Seed>) -> Checked {
    if patient.running.is_some() || !crate::run::Folder::is_free(patient.data) {
        let found = "in use by the node, which verified it when it started";
        return Checked::ok("journal", found);
    }
    let audited = match (household, passphrase) {
        (Some(household), _) => crate::audit::audit_signed(patient.data, household),
        (None, _) if patient.config.signer.is_some() => {
            let todo = "start the signer to have it read through";
            return Checked::warn("journal", "not read: the signer has its key", todo);
        }
        (None, Some(passphrase)) => crate::audit::audit(patient.data, passphrase),
        (None, None) => {
            let todo = "name a file with the passphrase in KOFO_PASSPHRASE_FILE to have it read through";
            return Checked::warn("journal", "not read: there is no passphrase", todo);
        }
    };
    match audited {
        Ok(report) => match report.finding {
            None => Checked::ok(
                "journal",
                format!("{} records, all as they were written", report.records),
            ),
            Some(finding) => {
                let todo = "do not start the node; restore the journal from a backup, and ask who could write to the folder";
                Checked::fail("journal", format!("not as it was written: {finding}"), todo)
            }
        },
        Err(error) => Checked::fail("journal", error.to_string(), "see `kofo audit`"),
    }
}

fn genesis(patient: &Patient<'_>) -> Option<Checked> {
    let clearing = patient.config.clearing.as_ref()?;
    let todo = "copy the file that everybody of the network has";
    Some(match GenesisFile::load(&patient.data.join(&clearing.genesis)) {
        Ok(file) if file.genesis.network == patient.config.network => {
            Checked::ok("genesis", format!("of network {}", file.genesis.network))
        }
        Ok(file) => {
            let found = format!(
                "of network {}, this node is of {}",
                file.genesis.network, patient.config.network
            );
            Checked::fail("genesis", found, todo)
        }
        Err(error) => Checked::fail("genesis", error.to_string(), todo),
    })
}
