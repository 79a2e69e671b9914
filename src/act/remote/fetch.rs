//! Pulls from a product into a store: window by window, oldest first, each committed before the next.

use super::connection::{Connection, Trouble};
use super::folder::{self, Spool, Store, Tally};
use super::links;
use super::product::{Page, Part, Product, Want};
use super::record::{MINUTE, Nanos};
use super::rows::Rows;
use super::whole_runs::WholeRuns;
use super::windows;

/// What began this shortly before the end of a pull is requested again by the next one.
pub(super) const LATE: Nanos = 15 * MINUTE;

/// The result of a pull.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Brought {
    pub(super) records: usize,
    pub(super) without_end: usize,
    pub(super) rewritten: usize,
    /// Signed links that were removed.
    pub(super) links: u64,
    /// Records that the reader does not know.
    pub(super) skipped: u64,
}

/// Why a pull stopped early. Everything committed until then is kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stopped {
    #[error(transparent)]
    Remote(#[from] Trouble),
    #[error(transparent)]
    Store(#[from] folder::Error),
    #[error("the folder holds {0} bytes, as much as --max-bytes allows")]
    Full(u64),
}

#[derive(Debug)]
pub(super) struct Fetch<'a, 'w> {
    pub(super) product: &'a mut dyn Product,
    pub(super) connection: &'a mut Connection<'w>,
    pub(super) store: &'a mut Store,
    pub(super) until: Nanos,
    pub(super) max_bytes: Option<u64>,
    /// Conditions of the product. A run must meet at least one of them; if there are none, all runs are pulled.
    pub(super) conditions: Vec<String>,
    pub(super) runs: WholeRuns,
    pub(super) brought: Brought,
}

/// The records of one part of a pull, before they are committed.
#[derive(Debug)]
struct Catch {
    spool: Spool,
    links: u64,
    skipped: u64,
}

impl Fetch<'_, '_> {
    /// Reads everything from where the last pull ended, and reports its progress.
    pub(super) fn run(&mut self, report: &mut dyn FnMut(Nanos, &Brought)) -> Result<(), Stopped> {
        let open = self.store.open_traces();
        let mut rows = Rows::parse(&self.store.cursor.rows);
        if rows.is_caught_up && self.goes_by_rows() {
            return self.newest(&mut rows);
        }
        let cursor = &mut self.store.cursor;
        if std::mem::take(&mut cursor.is_whole) {
            cursor.next = (cursor.next - LATE).max(cursor.since);
        }
        while self.store.cursor.next < self.until {
            self.check_size()?;
            self.window(&mut rows)?;
            report(self.store.cursor.next, &self.brought);
        }
        if self.goes_by_rows() {
            rows.is_caught_up = true;
            self.newest(&mut rows)?;
        }
        self.open(open)?;
        let spool = self.store.spool()?;
        let mut cursor = self.store.cursor.clone();
        cursor.is_whole = true;
        self.store
            .commit(&spool, self.until.max(cursor.next), cursor)?;
        Ok(())
    }

    /// Row numbers say what was read only where everything is read.
    fn goes_by_rows(&self) -> bool {
        self.product.has_rows() && self.conditions.is_empty()
    }

    fn check_size(&self) -> Result<(), Stopped> {
        match self.max_bytes {
            Some(most) if self.store.bytes() >= most => Err(Stopped::Full(self.store.bytes())),
            Some(_) | None => Ok(()),
        }
    }

    /// The next window, shortened until the server can answer.
    fn window(&mut self, rows: &mut Rows) -> Result<(), Stopped> {
        let mut cursor = self.store.cursor.clone();
        let from = cursor.next;
        let (until, catch) = loop {
            let until = from.saturating_add(cursor.step).min(self.until);
            let mut seen = rows.clone();
            let caught = if self.conditions.is_empty() {
                self.catch(Part::Window { from, until }, &mut seen)
            } else {
                self.select(from, until)
            };
            match caught {
                Ok(catch) => {
                    *rows = seen;
                    break (until, catch);
                }
                Err(Stopped::Remote(error @ Trouble::TooMuch { .. })) => {
                    let less = windows::less(cursor.step.min(until - from));
                    cursor.step = less.ok_or(error)?;
                }
                Err(error) => return Err(error),
            }
        };
        cursor.step = windows::after(cursor.step, catch.spool.records());
        cursor.next = until;
        cursor.rows = self.rows_of(rows);
        self.commit(&catch, until, cursor)
    }

    fn rows_of(&self, rows: &Rows) -> serde_json::Value {
        if self.goes_by_rows() {
            rows.write()
        } else {
            serde_json::Value::Null
        }
    }

    /// Rows inserted since the last pull.
    fn newest(&mut self, rows: &mut Rows) -> Result<(), Stopped> {
        let mut cursor = self.store.cursor.clone();
        let since = cursor.since;
        let catch = self.catch(Part::Rows { since }, rows)?;
        cursor.rows = rows.write();
        cursor.next = self.until.max(cursor.next);
        self.commit(&catch, self.until, cursor)
    }

    /// Traces that may have changed since they were read: those that were still open, and those that began before the
    /// first window.
    fn open(&mut self, before: Vec<(String, bool)>) -> Result<(), Stopped> {
        let torn = self.store.open_traces().into_iter();
        let torn = torn.filter(|(_, has_outermost)| !has_outermost);
        let mut ids: Vec<String> = torn.map(|(id, _)| id).collect();
        if !self.goes_by_rows() {
            ids.extend(before.into_iter().map(|(id, _)| id));
        }
        ids.sort();
        ids.dedup();
        for ids in ids.chunks(self.product.traces_at_once()) {
            let catch = self.catch(Part::Traces(ids), &mut Rows::default())?;
            let cursor = self.store.cursor.clone();
            self.commit(&catch, self.until, cursor)?;
        }
        Ok(())
    }

    /// The whole runs that meet a condition with something in a window.
    fn select(&mut self, from: Nanos, until: Nanos) -> Result<Catch, Stopped> {
        // Put back only at the end: after a failure, nothing of what was noted here has been kept.
        let mut runs = std::mem::take(&mut self.runs);
        let mut catch = self.nothing()?;
        for condition in self.conditions.clone() {
            let part = Part::Selected {
                condition: &condition,
                within: Some((from, until)),
            };
            self.gather(part, &mut runs, &mut catch)?;
        }
        self.complete(&mut runs, &mut catch)?;
        self.runs = runs;
        Ok(catch)
    }

    /// Requests the traces of runs, and those that are joined with them, until all are there.
    fn complete(&mut self, runs: &mut WholeRuns, catch: &mut Catch) -> Result<(), Stopped> {
        loop {
            let traces = runs.next_traces(self.product.traces_at_once());
            if !traces.is_empty() {
                self.gather(Part::Traces(&traces), runs, catch)?;
                continue;
            }
            let Some((rank, id)) = runs.next_join() else {
                return Ok(());
            };
            for condition in self.product.joined((rank, id.as_str())) {
                let part = Part::Selected {
                    condition: &condition,
                    within: None,
                };
                self.gather(part, runs, catch)?;
            }
        }
    }

    /// Notes the records of a part. Those of whole traces are added to what will be committed.
    fn gather(
        &mut self,
        part: Part<'_>,
        runs: &mut WholeRuns,
        catch: &mut Catch,
    ) -> Result<(), Stopped> {
        let is_whole = matches!(part, Part::Traces(_)) || self.product.selects_whole_traces();
        let found = self.catch(part, &mut Rows::default())?;
        found.spool.metas().for_each(|it| runs.note(it, is_whole));
        if !is_whole {
            return Ok(());
        }
        let copied = catch.spool.append(&found.spool);
        copied.map_err(|error| self.store.io(error))?;
        catch.links += found.links;
        catch.skipped += found.skipped;
        Ok(())
    }

    fn nothing(&self) -> Result<Catch, Stopped> {
        Ok(Catch {
            spool: self.store.spool()?,
            links: 0,
            skipped: 0,
        })
    }

    /// All pages of a part. None of it is written before the last page has arrived.
    fn catch(&mut self, part: Part<'_>, rows: &mut Rows) -> Result<Catch, Stopped> {
        let mut catch = self.nothing()?;
        let known = rows.clone();
        let mut after: Option<String> = None;
        loop {
            let want = Want {
                part,
                after: after.as_deref(),
            };
            let page = self.product.page(self.connection, want)?;
            if page.next.is_none() && page.may_be_cut {
                return Err(self
                    .connection
                    .too_much("a full page that names no next one")
                    .into());
            }
            if page.next.is_some() && page.next == after {
                return Err(self.connection.wrong("it repeats a cursor").into());
            }
            let next = page.next.clone();
            let is_known = self.keep(page, part, &known, (rows, &mut catch))?;
            if next.is_none() || is_known {
                return Ok(catch);
            }
            after = next;
        }
    }

    /// Keeps the records of a page; returns whether all later ones are known.
    fn keep(
        &self,
        page: Page,
        part: Part<'_>,
        known: &Rows,
        (rows, catch): (&mut Rows, &mut Catch),
    ) -> Result<bool, Stopped> {
        let reader = self.product.reader();
        let by_row = matches!(part, Part::Rows { .. });
        let mut is_known = false;
        for mut record in page.records {
            if let Some(row) = self.product.row(&record) {
                rows.add(row);
                is_known |= by_row && row <= known.floor();
                if by_row && known.has(row) {
                    continue;
                }
            }
            catch.links += links::remove(&mut record);
            let bytes = serde_json::to_vec(&record).map_err(|error| self.store.io(error.into()))?;
            match reader.meta(&bytes) {
                Some(meta) => catch
                    .spool
                    .add(&bytes, meta)
                    .map_err(|error| self.store.io(error))?,
                None => catch.skipped += 1,
            }
        }
        Ok(is_known)
    }

    fn commit(
        &mut self,
        catch: &Catch,
        read_until: Nanos,
        cursor: folder::Cursor,
    ) -> Result<(), Stopped> {
        let Tally {
            records,
            without_end,
            rewritten,
        } = self.store.commit(&catch.spool, read_until, cursor)?;
        self.brought.records += records;
        self.brought.without_end += without_end;
        self.brought.rewritten += rewritten;
        self.brought.links += catch.links;
        self.brought.skipped += catch.skipped;
        Ok(())
    }
}
