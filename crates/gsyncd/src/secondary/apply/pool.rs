//! Side by side work on a list.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Calls `each` for every item on up to `threads` threads; returns the outcomes in the order of the items.
pub(super) fn parallel<T: Sync, R: Send>(
    threads: usize,
    items: &[T],
    each: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    if items.len() < 2 || threads < 2 {
        return items.iter().map(each).collect();
    }
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let work = || {
        while let Some((at, item)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            items.get(at).map(|item| (at, item))
        } {
            let outcome = each(item);
            lock(&done).push((at, outcome));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(items.len()) {
            scope.spawn(work);
        }
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

/// As [`parallel`], but the items of one key one after the other on one thread.
pub(super) fn parallel_by<T: Sync, K: Hash + Eq, R: Send>(
    threads: usize,
    items: &[T],
    key: impl Fn(&T) -> K,
    each: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let mut numbers = HashMap::new();
    let mut groups: Vec<Vec<(usize, &T)>> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let number = *numbers.entry(key(item)).or_insert(groups.len());
        match groups.get_mut(number) {
            Some(group) => group.push((at, item)),
            None => groups.push(vec![(at, item)]),
        }
    }
    let done = parallel(threads, &groups, |group| {
        group.iter().map(|(at, item)| (*at, each(item))).collect::<Vec<_>>()
    });
    let mut done: Vec<(usize, R)> = done.into_iter().flatten().collect();
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Locks also what a panicking thread left: the panic itself goes on through the scope.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #[test]
    fn order_is_kept() {
        let items: Vec<u32> = (0..1000).collect();
        let by = super::parallel_by(8, &items, |x| x % 7, |x| x * 2);
        assert_eq!(by, items.iter().map(|x| x * 2).collect::<Vec<_>>());
        assert_eq!(super::parallel(8, &items, |x| x * 2), items.iter().map(|x| x * 2).collect::<Vec<_>>());
    }
}
