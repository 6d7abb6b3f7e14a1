package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/otpgate/otpgate/ruleset/network"
)

// databasesEvery is how often the files of databases are looked at.
const databasesEvery = time.Second

// databaseFile is a file that a configuration names.
type databaseFile struct {
	network.DatabaseFile
	field string // that names it
}

// databaseFiles are the files that a configuration names, in the order of
// precedence. A file that is named twice has to tell both.
func (a *App) databaseFiles() (files []databaseFile, err error) {
	add := func(field, path string, wanted ...network.Field) error {
		if path == "" {
			return nil
		}
		if path, err = replaced(field, path); err != nil {
			return err
		}
		if path, err = filepath.Abs(path); err != nil {
			return fmt.Errorf("%s: %w", field, err)
		}
		if i := slices.IndexFunc(files, func(f databaseFile) bool { return f.Path == path }); i >= 0 {
			files[i].Wanted = append(files[i].Wanted, wanted...)
		} else {
			files = append(files, databaseFile{network.DatabaseFile{Path: path, Wanted: wanted}, field})
		}
		return nil
	}
	if err := add("country_db", a.CountryDB, network.CountryField); err != nil {
		return nil, err
	}
	if err := add("asn_db", a.ASNDB, network.ASNField); err != nil {
		return nil, err
	}
	for _, path := range a.Databases {
		if path == "" {
			return nil, errors.New("databases: want the path of a file")
		}
		if err := add("database", path); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// readDatabases opens the databases for a command, which follows no file.
func (a *App) readDatabases() (*network.Databases, error) {
	files, err := a.databaseFiles()
	if err != nil || len(files) == 0 {
		return nil, err
	}
	return openFiles(files)
}

// openFiles opens databases. The error tells what is wrong with any of them.
func openFiles(files []databaseFile) (*network.Databases, error) {
	var plain []network.DatabaseFile
	for _, f := range files {
		plain = append(plain, f.DatabaseFile)
	}
	d, err := network.OpenDatabases(plain...)
	if err == nil {
		return d, nil
	}
	var errs []error
	for i, s := range d.States() {
		if s.Err != nil {
			errs = append(errs, fmt.Errorf("%s: opening %s: %w", files[i].field, s.Path, s.Err))
		}
	}
	return nil, errors.Join(errs...)
}

// openDatabases are databases that follow their files, as all configurations of
// this process share them that name the same ones.
type openDatabases struct {
	*network.Databases
	once sync.Once
	stop context.CancelFunc
	all  sync.WaitGroup
}

// follow begins to follow the files, once.
func (d *openDatabases) follow() {
	d.once.Do(func() {
		ctx, stop := context.WithCancel(context.Background())
		d.stop = stop
		d.all.Go(func() { d.Run(ctx, databasesEvery, logDatabase) })
	})
}

// Destruct ends that.
func (d *openDatabases) Destruct() error {
	d.once.Do(func() {}) // so that stop can be read
	if d.stop != nil {
		d.stop()
	}
	d.all.Wait()
	return nil
}

func logDatabase(c network.DatabaseChange) {
	log := logger()
	switch {
	case c.Err == nil:
		fields := []zap.Field{zap.String("path", c.Path), zap.String("type", c.Info.Type), zap.Int("networks", c.Info.Networks), zap.Time("built", c.Info.Built)}
		if !c.Before.Built.IsZero() {
			fields = append(fields, zap.Time("built_before", c.Before.Built))
		}
		log.Info("database loaded", fields...)
	case c.Loaded:
		log.Warn("the file of a database is no good; what it held before stays in use", zap.String("path", c.Path), zap.Time("built", c.Info.Built), zap.Error(c.Err))
	default:
		log.Error("a database cannot be opened; what it would tell is not known", zap.String("path", c.Path), zap.Error(c.Err))
	}
}

// openDatabases opens the databases, or shares them with those who opened them
// before.
func (a *App) openDatabases() error {
	files, err := a.databaseFiles()
	if err != nil || len(files) == 0 {
		return err
	}
	key := "databases"
	for _, f := range files {
		key += fmt.Sprintf(" %q %v", f.Path, f.Wanted)
	}
	a.databases, err = acquire(databases, key, func() (*openDatabases, error) {
		d, err := openFiles(files)
		if err != nil {
			return nil, err
		}
		return &openDatabases{Databases: d}, nil
	})
	return err
}
