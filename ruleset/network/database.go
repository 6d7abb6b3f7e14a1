package network

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/oschwald/maxminddb-golang/v2"
)

// MaxDatabase is the largest database file that is opened, in bytes.
const MaxDatabase = 1 << 30

// Database is what a MaxMind DB file tells of addresses. It is immutable and
// safe for concurrent use; there is nothing to close.
//
// Opening it reads the file from end to end and keeps of it what Facts have, in
// a table like that of the lists. So a look-up reads no file, decodes nothing,
// does not allocate and cannot fail; whatever becomes of the file, and whoever
// overwrites it, concerns the next one who opens it. (A file that is mapped into
// memory kills the process when it gets shorter, and must be unmapped at some
// time, which no request may outlive.) The memory is collected when the last
// request has let go of it.
type Database struct {
	info    Info
	table   *table // of places in records
	records []record
	texts   []string
}

// Info describes an open database.
type Info struct {
	Path     string    // as it was opened
	Type     string    // as the database calls itself: "GeoLite2-Country"
	Built    time.Time // zero when the database does not say, or nonsense
	Size     int64     // of the file, in bytes
	Memory   int64     // that it takes, in bytes
	IPv4     bool      // it knows of IPv4 only
	Networks int       // neighbours that it tells the same of are one
	Records  int       // distinct records in the file; many networks may share one
	Fields   []Field   // that it tells of some address
	Traits   Traits    // of which it says yes or no of some address
}

// Tells reports whether the database tells f of some address.
func (i Info) Tells(f Field) bool { return slices.Contains(i.Fields, f) }

// Age returns how long before now the database was built, or 0 if it does not
// say.
func (i Info) Age(now time.Time) time.Duration {
	if i.Built.IsZero() {
		return 0
	}
	return max(now.Sub(i.Built), 0)
}

// OpenDatabase opens the MaxMind DB file at path, finds out what it tells by
// looking at all of its records, and proves that it can be read. A database
// that does not tell all of the wanted fields is refused, and so is one that tells
// nothing that is known here: a reader that knows another layout would find "no
// country" everywhere and say nothing.
//
// The error names the path, and says what is wrong and what would be right. It
// takes about a second for 100 MB.
func OpenDatabase(path string, wanted ...Field) (*Database, error) {
	d, _, err := openDatabase(path, wanted)
	if err != nil {
		return nil, fmt.Errorf("opening database %s: %w", path, err)
	}
	return d, nil
}

// openDatabase returns, also with an error, the state of the file that it read.
func openDatabase(path string, wanted []Field) (*Database, fs.FileInfo, error) {
	data, stat, err := readDatabase(path)
	if err != nil {
		return nil, stat, err
	}
	d, err := newDatabase(data, wanted)
	if err != nil {
		return nil, stat, err
	}
	d.info.Path = path
	return d, stat, nil
}

// readDatabase reads the file and checks what can be told from its outside. Its
// errors leave the path to the caller.
func readDatabase(path string) (data []byte, stat fs.FileInfo, err error) {
	defer func() {
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			err = e.Err
		}
	}()
	stat, err = os.Stat(path)
	switch {
	case err != nil:
		return nil, nil, err
	case stat.IsDir():
		return nil, stat, errors.New("is a directory: want the .mmdb file in it")
	case !stat.Mode().IsRegular():
		return nil, stat, errors.New("is not a regular file")
	case stat.Size() > MaxDatabase:
		return nil, stat, fmt.Errorf("is %d bytes large: want %d at most", stat.Size(), MaxDatabase)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, stat, err
	}
	defer f.Close()
	data = make([]byte, stat.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, stat, fmt.Errorf("changed while it was read: %w", err)
	}
	after, err := f.Stat()
	if err != nil {
		return nil, stat, err
	}
	if !sameFile(stat, after) {
		return nil, stat, errors.New("changed while it was read")
	}
	return data, stat, nil
}

// sameFile reports whether a file is the same and has not been written to.
func sameFile(x, y fs.FileInfo) bool {
	return x != nil && y != nil && os.SameFile(x, y) && x.Size() == y.Size() && x.ModTime().Equal(y.ModTime())
}

// newDatabase makes a Database of data, which it does not keep.
func newDatabase(data []byte, wanted []Field) (d *Database, err error) {
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
	t, err := treeOf(r, data)
	if err == nil {
		err = t.check()
	}
	if err != nil {
		return nil, fmt.Errorf("is damaged: %w", err)
	}
	c := newCompiler(r)
	if err := t.walk(c.leaf4, c.leaf6); err != nil {
		return nil, fmt.Errorf("is damaged: %w", err)
	}
	d = c.finish()
	d.info.Type, d.info.Built = r.Metadata.DatabaseType, buildTime(r.Metadata.BuildEpoch)
	d.info.Size, d.info.IPv4 = int64(len(data)), !t.ipv6
	if err := c.judge(d.info, wanted); err != nil {
		return nil, err
	}
	return d, nil
}

// compiler makes the table of a database of its tree and records.
type compiler struct {
	reader  *maxminddb.Reader
	pattern reading // how records are read
	table   *table
	texts   *texts
	records []record          // distinct; the first tells nothing
	places  map[record]uint32 // in records
	offsets map[uint]uint32   // of what has been read, its place in records
	fields  fieldSet
	traits  Traits
}

func newCompiler(r *maxminddb.Reader) *compiler {
	c := &compiler{reader: r, table: new(table), texts: newTexts(), records: make([]record, 1),
		places: map[record]uint32{{}: 0}, offsets: make(map[uint]uint32)}
	kind := strings.ToLower(r.Metadata.DatabaseType)
	c.pattern = reading{texts: c.texts, strange: make(map[string]bool), score: strings.Contains(kind, "static-ip-score"), residential: strings.Contains(kind, "residential-proxy")}
	return c
}

func (c *compiler) leaf4(start uint32, offset uint, found bool) error {
	place, err := c.place(offset, found)
	c.table.v4.begin(start, place)
	return err
}

func (c *compiler) leaf6(high, low uint64, offset uint, found bool) error {
	place, err := c.place(offset, found)
	c.table.v6.begin(high, low, place)
	return err
}

// place returns where in records that at offset is.
func (c *compiler) place(offset uint, found bool) (uint32, error) {
	if !found {
		return 0, nil
	}
	if place, ok := c.offsets[offset]; ok {
		return place, nil
	}
	read := c.pattern
	if err := c.reader.LookupOffset(uintptr(offset)).Decode(&read); err != nil {
		return 0, fmt.Errorf("reading the record at %d: %w", offset, err)
	}
	place, ok := c.places[read.record]
	if !ok {
		place = uint32(len(c.records))
		c.records = append(c.records, read.record)
		c.places[read.record] = place
		c.fields |= read.fields()
		c.traits |= read.known
	}
	c.offsets[offset] = place
	return place, nil
}

func (c *compiler) finish() *Database {
	c.table.finish()
	d := &Database{table: c.table, records: slices.Clip(c.records), texts: slices.Clip(c.texts.all)}
	d.info.Records, d.info.Networks, d.info.Fields = len(c.offsets), c.table.len(), c.fields.list()
	d.info.Traits = c.traits
	d.info.Memory = c.table.bytes() + int64(len(d.records))*int64(unsafe.Sizeof(record{}))
	for _, s := range d.texts {
		d.info.Memory += int64(len(s)) + 16
	}
	return d
}

// judge says what is wrong with a database that can be read.
func (c *compiler) judge(info Info, wanted []Field) error {
	if info.Records == 0 {
		return errors.New("holds no networks")
	}
	for _, f := range wanted {
		if info.Tells(f) {
			continue
		}
		tells := "and nothing else that is known"
		if len(info.Fields) > 0 {
			tells = "but " + and(info.Fields)
		}
		at := ""
		if layouts[f] != "" {
			at = ": no record has " + layouts[f]
		}
		return fmt.Errorf("does not tell %s, %s (its type is %q)%s", f, tells, info.Type, at)
	}
	if len(info.Fields) == 0 {
		has := "its records are empty"
		if keys := slices.Sorted(maps.Keys(c.pattern.strange)); len(keys) > 0 {
			has = fmt.Sprintf("its records have %.120q", strings.Join(keys, ", "))
		}
		return fmt.Errorf("tells nothing that is known (its type is %q, %s): want a database of countries, autonomous systems, anonymous addresses, connections or risks", info.Type, has)
	}
	return nil
}

// record returns what is known of a, which is canonical.
func (d *Database) record(a netip.Addr) *record {
	if a.Is6() {
		if high, low := number6(a); high == 0 && low>>32 == 0 {
			return &d.records[d.table.v4.of(uint32(low))]
		}
	}
	return &d.records[d.table.of(a)]
}

// Info describes the database.
func (d *Database) Info() Info {
	info := d.info
	info.Fields = slices.Clone(info.Fields)
	return info
}

// recovered turns a panic into an error. The reader is not known to panic; but
// what it reads is a file from elsewhere, and the process must not die of it.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("is damaged: reading it failed: %v", p)
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

// and joins a, b and c to "a, b and c".
func and(fields []Field) string {
	var b strings.Builder
	for i, f := range fields {
		switch {
		case i == 0:
		case i == len(fields)-1:
			b.WriteString(" and ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(string(f))
	}
	return b.String()
}
