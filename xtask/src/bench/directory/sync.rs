//! The cases in which a tool works through once and ends.
use super::figures::{Figures, Key, SSH_ALONE};
use super::measure::{settle, timed};
use super::options::{Case, Options, Place};
use super::tool::{HOST, Job, Tool};
use super::trees::{Source, clear};
use gsyncd_lab::command::run;
use gsyncd_lab::{Done, Failure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

/// One tree to one place, with every tool that ends.
pub struct Bout<'a> {
    /// What is synced.
    pub source: &'a Source,
    /// Where to.
    pub place: Place,
    /// What is wanted.
    pub options: &'a Options,
    /// Where the results go.
    pub figures: &'a mut Figures,
}

impl Bout<'_> {
    /// All rounds; in each the tools take turns, and another one begins.
    ///
    /// # Errors
    /// A tool fails, or what it made is not equal to the source.
    pub fn fight(&mut self, room: &Path) -> Done {
        let mut jobs: Vec<Job> = self.jobs(room);
        for round in 0..self.options.rounds {
            if round == 0 || self.wants(Case::FirstSync) {
                self.first_sync(&jobs)?;
            }
            // Short, and over ssh mostly the noise of a login: more of them for the same trust.
            (0..3).try_for_each(|_| self.case(Case::NoChange, &jobs))?;
            if self.wants(Case::Changed) {
                // rsync takes a file of the same size and second for unchanged.
                sleep(Duration::from_secs(1));
                self.source.change(round)?;
                settle(&self.source.root)?;
                self.case(Case::Changed, &jobs)?;
            }
            if round == 0 {
                jobs.iter().try_for_each(verify)?;
            }
            if !jobs.is_empty() {
                jobs.rotate_left(1);
            }
        }
        jobs.iter().try_for_each(|job| clear(&job.target))
    }

    fn jobs(&self, room: &Path) -> Vec<Job> {
        let tools = self.options.tools.iter().copied().filter(|tool| tool.ends());
        let (place, set) = (self.place, self.source.set);
        tools.map(|tool| job(tool, place, &self.source.root, room, &format!("{place:?}-{set:?}"))).collect()
    }

    fn wants(&self, case: Case) -> bool {
        self.options.cases.contains(&case)
    }

    fn first_sync(&mut self, jobs: &[Job]) -> Done {
        // all of them first: who comes after the removal of what was written last has a slower disk
        for job in jobs {
            clear(&job.target)?;
            clear(&job.state)?;
        }
        settle(&self.source.root)?;
        jobs.iter().try_for_each(|job| self.measure(Case::FirstSync, job))
    }

    fn case(&mut self, case: Case, jobs: &[Job]) -> Done {
        if !self.wants(case) {
            return Ok(());
        }
        for job in jobs {
            self.measure(case, job)?;
        }
        if self.place == Place::Ssh {
            let sample = timed(Command::new("ssh").args([HOST, "true"]), &self.source.root)?;
            self.figures.add(self.key(case, SSH_ALONE), sample);
        }
        Ok(())
    }

    fn measure(&mut self, case: Case, job: &Job) -> Done {
        let sample = timed(&mut job.once()?, job.target.parent().unwrap_or(&job.target))?;
        if self.wants(case) {
            self.figures.add(self.key(case, job.tool.word()), sample);
        }
        Ok(())
    }

    fn key(&self, case: Case, who: &'static str) -> Key {
        Key { place: self.place, set: self.source.set, case, who }
    }
}

/// A tool's work from a source to a target of its own below `room`.
pub fn job(tool: Tool, place: Place, source: &Path, room: &Path, name: &str) -> Job {
    let own = room.join(format!("{}-{name}", tool.word()));
    Job {
        tool,
        place,
        source: source.to_path_buf(),
        target: own.with_extension("target"),
        state: own.with_extension("state"),
    }
}

/// In a process of its own: what this one holds in memory would be counted for its children.
fn verify(job: &Job) -> Done {
    let me = std::env::current_exe()?;
    let words = ["bench", "directory", super::SAME, job.tool.word()].map(PathBuf::from);
    let words = [&words[..], &[job.source.clone(), job.target.clone()]].concat();
    let outcome = run(&me.to_string_lossy(), &words);
    outcome.map(drop).map_err(|failure| Failure::new(format!("{}: {failure}", job.tool.word())))
}
