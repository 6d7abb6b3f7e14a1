package network

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Databases are databases in an order, of which the first that knows a field
// tells it. They follow their files: Refresh, and Run by and by, takes what has
// come in the place of a file, and keeps what there was if that is no good.
// Databases are safe for concurrent use. A nil *Databases knows nothing.
type Databases struct {
	now atomic.Pointer[opened]

	refreshing sync.Mutex // held by Refresh
	files      []*databaseFile
	settle     time.Duration // how long nobody must have written to a file
	clock      func() time.Time
}

// opened is a state of Databases. It does not change.
type opened struct {
	databases []*Database // those that could be opened, in order
	missing   error       // names the others; nil if there are none
	states    []DatabaseState
}

// databaseFile is a file that is followed.
type databaseFile struct {
	path     string
	wanted   []Field
	fixed    bool        // database is given, and no file is looked at
	database *Database   // the last good one; nil if there was none
	seen     fs.FileInfo // the file as it was read last, good or not; nil if it was not there
	err      error       // what is wrong with it; nil if database is what it holds
	told     string      // what has been said of that
	changed  time.Time   // when database was opened
	checked  time.Time
}

// DatabaseState is how a database fares.
type DatabaseState struct {
	Path    string
	Info    Info      // of the database in use; the zero Info if there is none
	Loaded  bool      // there is one
	Opened  time.Time // when
	Checked time.Time // when the file was last looked at
	Err     error     // what is wrong with the file as it is now; nil if it is in use
}

// DatabaseFile names a file, and what it must tell to be of use.
type DatabaseFile struct {
	Path   string
	Wanted []Field
}

// settled is how long a file must have been left alone before it is read: who
// copies over a file that is in use leaves a mix of both meanwhile.
const settled = 2 * time.Second

// OpenDatabases opens files. Their order is that of precedence. The error tells
// everything that is wrong with any of them; the Databases returned beside it have
// the others, and will take those as soon as Refresh finds them good.
func OpenDatabases(files ...DatabaseFile) (*Databases, error) {
	d := &Databases{settle: settled, clock: time.Now}
	for _, f := range files {
		d.files = append(d.files, &databaseFile{path: f.Path, wanted: slices.Clone(f.Wanted)})
	}
	var errs []error
	for _, f := range d.files {
		f.open(d.clock())
		if f.err != nil {
			f.told = f.err.Error()
			errs = append(errs, fmt.Errorf("opening database %s: %w", f.path, f.err))
		}
	}
	d.publish()
	return d, errors.Join(errs...)
}

// DatabasesOf returns databases that follow no file, in the order of
// precedence. Those that are nil are left out.
func DatabasesOf(databases ...*Database) *Databases {
	d := &Databases{clock: time.Now}
	for _, one := range databases {
		if one != nil {
			d.files = append(d.files, &databaseFile{path: one.info.Path, fixed: true, database: one})
		}
	}
	d.publish()
	return d
}

// DatabaseChange is something worth a line in the log: a database has been
// opened, or the file that is in its place now cannot be. The latter is told
// once for each error.
type DatabaseChange struct {
	DatabaseState
	Before Info // of the database that was in use until now
}

// Refresh looks whether files have changed, opens those that have, and puts
// them in place. It returns what has changed. A file that was written to within
// the last two seconds is left for the next time.
func (d *Databases) Refresh() []DatabaseChange {
	if d == nil {
		return nil
	}
	d.refreshing.Lock()
	defer d.refreshing.Unlock()
	var changed []int
	before := make([]Info, len(d.files))
	for i, f := range d.files {
		if f.fixed {
			continue
		}
		if f.database != nil {
			before[i] = f.database.info
		}
		if f.refresh(d.clock(), d.settle) {
			changed = append(changed, i)
		}
	}
	d.publish()
	var changes []DatabaseChange
	states := d.now.Load().states
	for _, i := range changed {
		changes = append(changes, DatabaseChange{states[i], before[i]})
	}
	return changes
}

// Run calls Refresh in intervals until ctx ends, and notify for what has
// changed.
func (d *Databases) Run(ctx context.Context, every time.Duration, notify func(DatabaseChange)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, change := range d.Refresh() {
			notify(change)
		}
	}
}

// States returns how each database fares, in the order of precedence.
func (d *Databases) States() []DatabaseState {
	if d == nil {
		return nil
	}
	return slices.Clone(d.now.Load().states)
}

// Tells reports whether one of the databases in use tells f.
func (d *Databases) Tells(f Field) bool {
	for _, one := range d.all() {
		if one.info.Tells(f) {
			return true
		}
	}
	return false
}

// TellsTrait reports whether one of the databases in use tells some of t: that a
// database tells traits does not mean that it knows of each.
func (d *Databases) TellsTrait(t Traits) bool {
	for _, one := range d.all() {
		if one.info.Traits&t != 0 {
			return true
		}
	}
	return false
}

func (d *Databases) all() []*Database {
	if s := d.state(); s != nil {
		return s.databases
	}
	return nil
}

func (d *Databases) state() *opened {
	if d == nil {
		return nil
	}
	return d.now.Load()
}

// publish makes what there is now the state that look-ups see.
func (d *Databases) publish() {
	now := new(opened)
	var missing []error
	for _, f := range d.files {
		s := DatabaseState{Path: f.path, Opened: f.changed, Checked: f.checked, Err: f.err}
		if f.database != nil {
			s.Loaded, s.Info = true, f.database.Info()
			now.databases = append(now.databases, f.database)
		} else {
			missing = append(missing, fmt.Errorf("database %s is not there: %w", f.path, f.err))
		}
		now.states = append(now.states, s)
	}
	now.missing = errors.Join(missing...)
	d.now.Store(now)
}

// refresh opens the file if it is not the one that was read last, and reports
// whether there is something to tell.
func (f *databaseFile) refresh(now time.Time, settle time.Duration) bool {
	f.checked = now
	stat, err := os.Stat(f.path)
	if err != nil {
		f.seen, f.err = nil, withoutPath(err)
		return f.tell()
	}
	if sameFile(f.seen, stat) {
		return false
	}
	if age := now.Sub(stat.ModTime()); age >= 0 && age < settle {
		return false
	}
	f.open(now)
	return f.tell()
}

// open reads the file. What it holds takes the place of what there was if it is
// good.
func (f *databaseFile) open(now time.Time) {
	f.checked = now
	database, stat, err := openDatabase(f.path, f.wanted)
	f.seen, f.err = stat, err
	if err == nil {
		f.database, f.changed = database, now
	}
}

// tell reports whether what is wrong now has not been told yet. What is right
// again always is.
func (f *databaseFile) tell() bool {
	told := f.told
	if f.told = ""; f.err != nil {
		f.told = f.err.Error()
	}
	return f.err == nil || f.told != told
}

func withoutPath(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
