//! Indexes longer than what is read at once.

use super::{Brick, EPOCH, drain};

/// A year at the slowest test's patience: about 6 MB, both layouts, so that records differ in length.
const RECORDS: u32 = 100_000;

fn long_index(stamps: impl Iterator<Item = u32>) -> Brick {
    let brick = Brick::new();
    let dir = brick.path().display();
    let records = stamps.map(|at| {
        let day = if at % 2 == 0 { "2023/11/14/" } else { "" };
        format!("{dir}/{day}changelog.{}\0", EPOCH + at)
    });
    brick.append(0, records.collect::<String>().as_bytes());
    brick
}

fn count_from(brick: &Brick, start: u32) -> (usize, String) {
    let shown = drain(&mut brick.open(start));
    (
        shown.split(' ').filter(|s| !s.is_empty()).count(),
        shown.split(' ').next().unwrap_or_default().to_owned(),
    )
}

#[test]
fn any_start_is_found() {
    let brick = long_index((1..=RECORDS).map(|at| at * 15));
    for wanted in [1, 2, 700, 33_333, 50_000, 99_998, RECORDS] {
        for start in [wanted * 15 - 14, wanted * 15 - 1, wanted * 15] {
            let left = usize::try_from(RECORDS - wanted + 1).unwrap();
            assert_eq!(count_from(&brick, start), (left, format!("{}e", wanted * 15)), "{start}");
        }
    }
    assert_eq!(count_from(&brick, RECORDS * 15 + 1), (0, String::new()));
    assert_eq!(super::super::newest_stamp(brick.path()).unwrap(), Some(EPOCH + RECORDS * 15));
}

#[test]
fn equal_stamps_begin_at_the_first_of_them() {
    let brick =
        long_index((1..=RECORDS).map(|at| if (20_000..60_000).contains(&at) { 300_000 } else { at * 15 }));
    assert_eq!(count_from(&brick, 300_000).0, usize::try_from(RECORDS - 20_000 + 1).unwrap());
}

#[test]
fn a_clock_step_anywhere_falls_back_to_reading_all() {
    // A day back after two thirds: the first record of the wanted time lies before the step.
    let step = RECORDS / 3 * 2;
    let brick = long_index((1..=RECORDS).map(|at| if at > step { at * 15 - 86_400 } else { at * 15 }));
    let start = step * 15 - 100;
    assert_eq!(
        count_from(&brick, start),
        (usize::try_from(RECORDS - step + 7).unwrap(), format!("{}e", (step - 6) * 15))
    );
}

#[test]
fn a_stretch_of_nuls_in_the_middle_is_a_gap() {
    let brick = long_index(1..=RECORDS);
    brick.append(0, &vec![0; 200_000]);
    brick.empty(0, RECORDS + 50);
    let shown = drain(&mut brick.open(RECORDS));
    assert_eq!(shown, format!("{RECORDS}e {RECORDS}-{}:index-torn {}e", RECORDS + 50, RECORDS + 50));
    assert_eq!(
        drain(&mut brick.open(RECORDS + 50)),
        format!("{}-{}:index-torn {}e", RECORDS + 50, RECORDS + 50, RECORDS + 50)
    );
}
