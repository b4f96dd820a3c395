//! Every target over its kept corpus and over mutated inputs, on stable, the same inputs each time.
//!
//! KOFO_FUZZ_ITERATIONS, KOFO_FUZZ_SEED, KOFO_FUZZ_TARGET, KOFO_FUZZ_INPUT and KOFO_FUZZ_WRITE are explained in
//! `README.md`.

use kofo_fuzz::{Failure, TARGETS, Target, attack, folder, survives};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// So many inputs a target in CI.
const ITERATIONS: u64 = 10_000;
const SEED: u64 = 1;

fn number(name: &str, otherwise: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(otherwise, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name}: expected a number, got {text:?}"))
    })
}

/// The target that KOFO_FUZZ_TARGET names, or those whose name contains it. The slow ones, at the table's end, first.
fn chosen() -> Vec<&'static Target> {
    let wanted = std::env::var("KOFO_FUZZ_TARGET").unwrap_or_default();
    let exact = TARGETS.iter().find(|target| target.name == wanted);
    let part = TARGETS
        .iter()
        .rev()
        .filter(|target| target.name.contains(&wanted));
    let chosen: Vec<_> = exact.map_or_else(|| part.collect(), |target| vec![target]);
    assert!(
        !chosen.is_empty(),
        "KOFO_FUZZ_TARGET: no target's name contains {wanted:?}"
    );
    chosen
}

/// Does it for all chosen targets, two or so at a time.
fn for_each(act: impl Fn(&'static Target) + Sync) {
    let (targets, next) = (chosen(), AtomicUsize::new(0));
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(target) = targets.get(next.fetch_add(1, Ordering::SeqCst)) {
                    act(target);
                }
            });
        }
    });
}

/// Keeps the input in a file and says how to repeat it.
fn report(failure: &Failure, seed: u64) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
    let file: PathBuf = folder.join(format!("{}-{seed}-{}", failure.target, failure.iteration));
    let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, &failure.input));
    let hex: String = failure.input.iter().map(|byte| format!("{byte:02x}")).collect();
    let (target, file) = (failure.target, file.display());
    format!(
        "target {target} breaks on input {} of seed {seed} ({written:?}): {hex}\n  repeat: KOFO_FUZZ_TARGET={target} \
         KOFO_FUZZ_INPUT={file} cargo test -p kofo-fuzz --test run one_input\n  when it is mended, keep it: cp {file} \
         fuzz/corpus/{target}/found-NAME",
        failure.iteration
    )
}

#[test]
fn every_target_survives_its_kept_corpus() {
    for_each(|target| {
        let corpus = target.corpus().unwrap_or_else(|error| panic!("{error}"));
        assert!(!corpus.is_empty(), "{}: nothing is kept", target.name);
        for (name, input) in corpus {
            assert!(
                survives(target, &input),
                "corpus/{}/{name} breaks its target",
                target.name
            );
        }
    });
}

#[test]
fn every_target_survives_mutations_of_its_corpus() {
    let (iterations, seed) = (
        number("KOFO_FUZZ_ITERATIONS", ITERATIONS),
        number("KOFO_FUZZ_SEED", SEED),
    );
    println!("{iterations} inputs a target, seed {seed}");
    let failures = Mutex::new(Vec::new());
    for_each(|target| {
        let corpus = target.corpus().unwrap_or_else(|error| panic!("{error}"));
        let inputs = corpus.into_iter().map(|(_, input)| input).collect();
        let (share, start) = ((iterations * target.share / 100).max(1), Instant::now());
        let result = attack(target, seed, inputs, share);
        println!(
            "{:23} {share:7} inputs in {:6} ms",
            target.name,
            start.elapsed().as_millis()
        );
        if let Err(failure) = result {
            failures.lock().unwrap().push(report(&failure, seed));
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn one_input_is_repeated_when_its_file_is_named() {
    let Ok(file) = std::env::var("KOFO_FUZZ_INPUT") else {
        return;
    };
    let input = std::fs::read(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let targets = chosen();
    assert!(
        targets.len() == 1,
        "KOFO_FUZZ_TARGET: expected the name of one target, got {targets:?}"
    );
    (targets[0].run)(&input);
}

/// A change of an encoding shows here; KOFO_FUZZ_WRITE=1 writes what the code makes now.
#[test]
fn the_kept_real_encodings_are_those_that_the_code_makes() {
    if std::env::var_os("KOFO_FUZZ_WRITE").is_some() {
        TARGETS
            .iter()
            .for_each(|target| target.write_real().unwrap_or_else(|error| panic!("{error}")));
    }
    for target in &TARGETS {
        let kept = target.corpus().unwrap_or_else(|error| panic!("{error}"));
        let kept: Vec<_> = kept
            .into_iter()
            .filter(|(name, _)| name.starts_with("real-"))
            .collect();
        assert!(
            kept.iter().eq(&sorted(target)),
            "corpus/{}: not what the code makes",
            target.name
        );
        assert!(
            kept.iter().all(|(_, input)| input.len() <= 16 * 1024),
            "{}: too long",
            target.name
        );
    }
}

fn sorted(target: &Target) -> Vec<(String, Vec<u8>)> {
    let mut real = target.real();
    real.sort();
    real
}

#[test]
fn every_kept_folder_belongs_to_one_target() {
    let mut names: Vec<_> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    names.sort();
    let entries = std::fs::read_dir(folder()).expect("the corpus is there");
    let mut kept: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    kept.sort();
    assert_eq!(kept, names);
}
