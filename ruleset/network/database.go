package network

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
	"github.com/oschwald/maxminddb-golang/v2/mmdbdata"
)

// MaxDatabase is the largest database file that is opened, in bytes. A
// database is held in memory whole; those that tell countries or ASNs are
// between 5 and 150 MB.
const MaxDatabase = 1 << 30

// maxProved is how many records of a database are read while opening it. Where
// there are more, they are taken evenly from the whole file.
const maxProved = 1 << 20

// Info describes an open database.
type Info struct {
	Path    string    // as it was opened
	Type    string    // as the database calls itself: "GeoLite2-Country"
	Layout  string    // the field most of its answers are read from: "country.iso_code"
	Built   time.Time // zero when the database does not say, or nonsense
	Size    int64     // of the file, and of the memory it takes, in bytes
	IPv4    bool      // it knows of IPv4 only
	Records int       // distinct records; many networks may share one
	Answers int       // of the records read while opening, those that hold an answer
}

// record is what is read from one record of a database. Its methods are those
// of a pointer to T.
type record[T any] interface {
	*T
	mmdbdata.CursorUnmarshaler
	// layout names the field that the answer was read from; "" means that the
	// record has no field to read one from.
	layout() string
	// answered reports whether the record holds an answer.
	answered() bool
}

// database is a MaxMind DB file of which the part R of each record is read.
//
// The file is read into memory and not mapped. A mapped file that somebody
// overwrites in place kills the process; and one that is mapped must be
// unmapped at some time, which no request may outlive. Memory is collected
// when the last request has let go of it.
type database[T any, R record[T]] struct {
	reader *maxminddb.Reader
	info   Info
	cache  cache[T]
}

// readDatabase reads the file and checks what can be told from its outside. Its
// errors leave the path to the caller.
func readDatabase(path string) (data []byte, err error) {
	defer func() {
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			err = e.Err
		}
	}()
	stat, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case stat.IsDir():
		return nil, errors.New("is a directory: want the .mmdb file in it")
	case !stat.Mode().IsRegular():
		return nil, errors.New("is not a regular file")
	case stat.Size() > MaxDatabase:
		return nil, fmt.Errorf("is %d bytes large: want %d at most", stat.Size(), MaxDatabase)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data = make([]byte, stat.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("changed while it was read: %w", err)
	}
	return data, nil
}

// newDatabase opens the database in data, which it keeps, and proves that it
// can be read from end to end: every pointer of the search tree, and up to
// maxProved records. Its time is bounded by the length of data: about 0.4 s for
// 100 MB.
//
// It is an error when no record holds an answer. A reader that knows another
// layout would find "no country" everywhere and say nothing.
func newDatabase[T any, R record[T]](data []byte) (d *database[T, R], err error) {
	defer recovered(&err)
	switch {
	case len(data) == 0:
		return nil, errors.New("is empty")
	case strings.HasPrefix(string(data[:min(len(data), 2)]), "\x1f\x8b"):
		return nil, errors.New("is compressed with gzip: unpack it first")
	}
	r, err := maxminddb.OpenBytes(data)
	if err != nil {
		return nil, fmt.Errorf("is not a MaxMind DB file, or a damaged one: %w", err)
	}
	d = &database[T, R]{reader: r, info: Info{
		Type:  r.Metadata.DatabaseType,
		Built: buildTime(r.Metadata.BuildEpoch),
		Size:  int64(len(data)),
		IPv4:  r.Metadata.IPVersion == 4,
	}}
	records, err := recordsOf(r, data)
	if err != nil {
		return nil, fmt.Errorf("is damaged: %w", err)
	}
	if err := d.prove(records); err != nil {
		return nil, fmt.Errorf("is damaged: %w", err)
	}
	return d, nil
}

// prove reads the records and notes what they hold.
func (d *database[T, R]) prove(records offsets) error {
	d.info.Records = records.len()
	d.cache = newCache[T](d.info.Records)
	layouts := make(map[string]int)
	stride := d.info.Records/maxProved + 1
	i := 0
	for offset := range records.all() {
		if i++; i%stride != 0 {
			continue
		}
		var rec T
		if err := d.reader.LookupOffset(offset).Decode(R(&rec)); err != nil {
			return fmt.Errorf("reading the record at %d: %w", offset, err)
		}
		if layout := R(&rec).layout(); layout != "" {
			layouts[layout]++
		}
		if R(&rec).answered() {
			d.info.Answers++
		}
	}
	most := 0
	for layout, n := range layouts {
		if n > most || n == most && layout < d.info.Layout {
			d.info.Layout, most = layout, n
		}
	}
	return nil
}

// lookup returns the record of a, or nil when there is none.
func (d *database[T, R]) lookup(a netip.Addr) (rec *T, err error) {
	defer recovered(&err)
	a = Canonical(a)
	if !a.IsValid() || a.Is6() && d.info.IPv4 {
		return nil, nil
	}
	result := d.reader.Lookup(a)
	if !result.Found() {
		return nil, result.Err()
	}
	offset := result.Offset()
	if rec := d.cache.get(offset); rec != nil {
		return rec, nil
	}
	e := &cached[T]{offset: offset}
	if err := result.Decode(R(&e.record)); err != nil {
		return nil, err
	}
	d.cache.put(e)
	return &e.record, nil
}

// recovered turns a panic into an error. The reader is not known to panic; but
// what it reads is a file from elsewhere, and a request must not die of it.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("reading the database: %v", p)
	}
}

// buildTime returns the zero Time for what cannot be a build time.
func buildTime(epoch uint) time.Time {
	const year10000 = 253402300800
	if epoch == 0 || uint64(epoch) >= year10000 {
		return time.Time{}
	}
	return time.Unix(int64(epoch), 0).UTC()
}

// wrongDatabase says that records have none of the fields wanted.
func wrongDatabase(info Info, is, wanted string, fields []string) error {
	if is == "" {
		is = "holds other records"
	}
	return fmt.Errorf("%s (its type is %q): no record has %s; want %s database", is, info.Type, or(fields), wanted)
}

// or joins "a", "b" and "c" to "a, b or c".
func or(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
