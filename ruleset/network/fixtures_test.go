package network

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// root is the root of the repository.
const root = "../.."

// dataFolder returns a folder of the real material that some tests compare
// with, which is not part of the repository. It returns "" when it is not here,
// and says so.
func dataFolder(tb testing.TB, name string) string {
	tb.Helper()
	base := os.Getenv("OTPGATE_DATA")
	if base == "" {
		base = "../shared/data"
	}
	if !filepath.IsAbs(base) {
		base = filepath.Join(root, base)
	}
	folder := filepath.Join(base, name)
	if _, err := os.Stat(folder); err != nil {
		tb.Logf("not compared with %s, which is not here: set OTPGATE_DATA to the folder that holds it", name)
		return ""
	}
	return folder
}

// m is a record, or a part of one.
type m = mmdbtype.Map

// entry is a network and its record.
type entry struct {
	network string
	record  mmdbtype.DataType
}

// makeDatabase returns the bytes of a database of entries, of which change may
// change the options.
func makeDatabase(tb testing.TB, databaseType string, entries []entry, change ...func(*mmdbwriter.Options)) []byte {
	tb.Helper()
	options := mmdbwriter.Options{
		BuildEpoch:              1767225600,
		DatabaseType:            databaseType,
		IncludeReservedNetworks: true,
		RecordSize:              24,
	}
	for _, c := range change {
		c(&options)
	}
	tree, err := mmdbwriter.New(options)
	if err != nil {
		tb.Fatal(err)
	}
	for _, e := range entries {
		_, network, err := net.ParseCIDR(e.network)
		if err != nil {
			tb.Fatal(err)
		}
		if err := tree.Insert(network, e.record); err != nil {
			tb.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := tree.WriteTo(&b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// onlyIPv4 makes a database that knows no IPv6.
func onlyIPv4(o *mmdbwriter.Options) { o.IPVersion = 4 }

// noAliases makes a database that does not lead tunnels to IPv4.
func noAliases(o *mmdbwriter.Options) { o.DisableIPv4Aliasing = true }

// file writes data to a file and returns its path.
func file(tb testing.TB, name string, data []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// sample returns the bytes of a file in testdata.
func sample(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join(root, "testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func database(tb testing.TB, data []byte, wanted ...Field) *Database {
	tb.Helper()
	d, err := OpenDatabase(file(tb, "test.mmdb", data), wanted...)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// known returns what d tells of addr.
func known(d *Database, addr string) Facts {
	s := Sources{Databases: DatabasesOf(d)}
	return s.Facts(netip.MustParseAddr(addr))
}

// country returns the country that d tells of addr.
func country(d *Database, addr string) string { return known(d, addr).Country }

// system is an ASN and its organisation.
type system struct {
	asn uint32
	org string
}

func asn(d *Database, addr string) system {
	f := known(d, addr)
	return system{f.ASN, f.Org}
}

// databasesIn returns all files that end in .mmdb in and under a folder.
func databasesIn(tb testing.TB, folder string) []string {
	tb.Helper()
	var paths []string
	for _, pattern := range []string{"*.mmdb", "*/*.mmdb"} {
		found, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			tb.Fatal(err)
		}
		paths = append(paths, found...)
	}
	slices.Sort(paths)
	if len(paths) == 0 {
		tb.Fatalf("no database in %s", folder)
	}
	return paths
}
