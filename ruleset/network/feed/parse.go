package feed

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/netip"

	"github.com/otpgate/otpgate/ruleset/network"
)

// What a feed may not exceed.
const (
	MaxBytes   = 32 << 20  // of one file, unpacked; Options and Feed can say otherwise
	MaxEntries = 2_000_000 // of one file, before the same ones are taken together

	maxLine  = 4096 // bytes of one line of text
	maxDepth = 32   // of objects and arrays within each other
)

// Options say how to read a feed. The zero Options recognise the format and take
// everything.
type Options struct {
	Format   Format // "" recognises it; otherwise the file must be of that format
	Select   Selection
	MaxBytes int64 // of the unpacked file; 0 is MaxBytes
}

// Result is what a feed holds.
type Result struct {
	Format    Format
	Prefixes  []netip.Prefix     // masked, in order, each once; IPv4 before IPv6
	ASNs      []uint32           // in order, each once
	Countries *network.Countries // what a geofeed says; nil for other feeds

	Entries    int    // addresses, networks, ranges and ASNs that were read, before the same ones are taken together
	Unselected int    // entries that the selection leaves out
	Reserved   int    // entries left out because they are private, local or not unicast, wholly or in part
	Unreadable int    // lines or values that should be an address and are not
	Unread     string // the first of them, and what is wrong with it

	Addresses4 uint64 // IPv4 addresses that the networks cover
	Networks6  uint64 // IPv6 networks of 64 bits that they cover or touch
}

// Len returns how many networks and ASNs there are.
func (r *Result) Len() int {
	if r == nil {
		return 0
	}
	return len(r.Prefixes) + len(r.ASNs)
}

// List returns what a feed holds as a list of that name, for network.NewLists
// and Replace. A nil Result is that of a feed which has never been loaded; its
// list is empty.
func (r *Result) List(name string) network.List {
	if r == nil {
		return network.List{Name: name}
	}
	return network.List{Name: name, Prefixes: r.Prefixes, ASNs: r.ASNs, Countries: r.Countries}
}

// Parse reads a feed. Host bits are masked, addresses in ::ffff:0:0/96 become
// the IPv4 addresses they stand for, and private, loopback, link-local, shared
// (100.64.0.0/10), multicast and reserved space is left out, also where it is a
// part of a wider network: such addresses are the operator's own, and no feed
// may list them. Networks for documentation stay; they harm nobody.
//
// Some lines that cannot be read are let pass and counted; if they are more than
// a quarter, the file is not a list. A file is refused, with an *Error that says
// why, if it is no list, empty, cut off, holds nothing that is selected, or
// covers so much that it can only be a mistake or an attack: a network wider than
// /6 (IPv6: /16), or more than half of all IPv4 addresses.
func Parse(r io.Reader, o Options) (*Result, error) {
	most := o.MaxBytes
	if most <= 0 {
		most = MaxBytes
	}
	in := bufio.NewReaderSize(&bounded{r: r, left: most, most: most}, maxLine)
	if magic, _ := in.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return nil, because(Truncated, "unpacking: %w", err)
		}
		in = bufio.NewReaderSize(&bounded{r: unpacked, left: most, most: most}, maxLine)
	}
	c := &collector{wanted: newWanted(o.Select)}
	format, err := c.read(in)
	if err != nil {
		return nil, readingError(err)
	}
	if c.result.Entries > 0 && !format.is(o.Format) {
		return nil, because(NotAList, "it is a file of the format %s, not %s", format, o.Format)
	}
	c.result.Format = format
	return c.finish()
}

// read finds out what kind of file in is, and reads it.
func (c *collector) read(in *bufio.Reader) (Format, error) {
	start, err := in.Peek(maxLine)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if bytes.HasPrefix(start, []byte("\ufeff")) {
		_, _ = in.Discard(3)
		start = start[3:]
	}
	switch what := kindOf(start); what {
	case kindJSON:
		return c.readJSON(in)
	case kindText:
		return c.readText(in)
	default:
		return "", because(what.reason(), "%s", what)
	}
}

// readingError gives a reason to errors that have none: they come from the
// reader, which broke off.
func readingError(err error) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	return because(Truncated, "reading: %w", err)
}

// bounded reads at most as many bytes as are left, and then fails.
type bounded struct {
	r    io.Reader
	left int64
	most int64
}

func (b *bounded) Read(p []byte) (int, error) {
	// One byte more than is left tells a file that fits from one that does not.
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, because(TooLarge, "it is larger than %d bytes", b.most)
	}
	return n, err
}
