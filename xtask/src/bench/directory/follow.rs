//! The cases in which a tool follows: a single change, and nothing at all.
use super::figures::{Figures, Key};
use super::measure::{Sample, idle};
use super::options::{Case, Options, Place};
use super::sync::job;
use super::tool::{Job, Tool};
use super::trees::{Source, clear};
use gsyncd_lab::{Done, Failure};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long nothing happens.
pub const IDLE: Duration = Duration::from_secs(5);
/// How long the first sync, or a change, may take.
const BOUND: Duration = Duration::from_secs(120);
/// Between two looks at the target: much less than what is measured.
const LOOK: Duration = Duration::from_micros(500);
/// Between two changes, so that each is a single one; varied, so that it is in step with nothing.
const APART_MS: u64 = 300;

/// Measures both cases with every tool that follows.
///
/// # Errors
/// A tool fails, or a change does not arrive.
pub fn follow(source: &Source, place: Place, options: &Options, room: &Path, figures: &mut Figures) -> Done {
    for tool in options.tools.iter().copied().filter(|tool| tool.follows()) {
        let job = job(tool, place, &source.root, room, &format!("{place:?}-follow"));
        clear(&job.target)?;
        clear(&job.state)?;
        fs::create_dir_all(&job.target)?;
        let mut follower = Follower::start(&job)?;
        let outcome = follower.measure(&job, options, figures);
        follower.end();
        outcome
            .map_err(|failure| Failure::new(format!("{}: {failure}\n{}", tool.word(), follower.said())))?;
        clear(&job.target)?;
    }
    Ok(())
}

struct Follower {
    child: Child,
    log: std::path::PathBuf,
}

impl Follower {
    fn start(job: &Job) -> Done<Follower> {
        let log = job.state.with_extension("log");
        let out = File::create(&log)?;
        let mut command = job.follow()?;
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        let child = command.spawn().map_err(|error| Failure::new(format!("{command:?}: {error}")))?;
        Ok(Follower { child, log })
    }

    fn measure(&mut self, job: &Job, options: &Options, figures: &mut Figures) -> Done {
        let key =
            |case| Key { place: job.place, set: super::options::Set::Small, case, who: job.tool.word() };
        // What was there before, and then a first change, so that it is past its start.
        self.arrives(job, "d000/f00")?;
        self.change(job, "before")?;
        if options.cases.contains(&Case::Latency) {
            // The slow one is slow every time.
            let rounds = if job.tool == Tool::Lsyncd { options.rounds.min(3) } else { 4 * options.rounds };
            for round in 0..rounds as u64 {
                sleep(Duration::from_millis(APART_MS + round * 37 % 200));
                let seconds = self.change(job, &format!("live{}", round % 7))?;
                figures.add(key(Case::Latency), Sample { seconds, ..Sample::default() });
            }
        }
        if options.cases.contains(&Case::Idle) {
            // What it still does for the last change is not idleness.
            sleep(Duration::from_secs(1));
            let processor_seconds = idle(IDLE).as_secs_f64();
            let sample = Sample { seconds: IDLE.as_secs_f64(), processor_seconds, ..Sample::default() };
            figures.add(key(Case::Idle), sample);
        }
        Ok(())
    }

    /// Writes a file and waits until the other side has the same.
    fn change(&mut self, job: &Job, name: &str) -> Done<f64> {
        let text = format!("{:?}", std::time::SystemTime::now());
        let start = Instant::now();
        fs::write(job.source.join(name), text)?;
        self.arrives(job, name)?;
        Ok(start.elapsed().as_secs_f64())
    }

    fn arrives(&mut self, job: &Job, name: &str) -> Done {
        let (wanted, target) = (fs::read(job.source.join(name))?, job.target.join(name));
        let start = Instant::now();
        while fs::read(&target).ok().as_ref() != Some(&wanted) {
            if let Some(status) = self.child.try_wait()? {
                return Err(Failure::new(format!("ended: {status}")));
            }
            if start.elapsed() > BOUND {
                return Err(Failure::new(format!("{name} has not arrived within {BOUND:?}")));
            }
            sleep(LOOK);
        }
        Ok(())
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn end(&mut self) {
        let pid = i32::try_from(self.child.id()).unwrap_or_default().to_string();
        let _ = gsyncd_lab::command::run("kill", &["-TERM", &pid]);
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(10) {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
