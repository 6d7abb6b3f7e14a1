// Command geogen makes the sample databases in testdata/geo from the table
// beside them, networks.csv. Run it from the root of the repository:
//
//	go run ./testdata/internal/geogen
//
// The same table makes the same bytes, on any day and any machine.
package main

import (
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// built is the build time both databases state: 2026-01-01, 00:00 UTC.
const built = 1767225600

const none = "-"

func main() {
	log.SetFlags(0)
	log.SetPrefix("geogen: ")
	table := flag.String("table", "testdata/geo/networks.csv", "the `file` to read")
	out := flag.String("out", "testdata/geo", "the `folder` to write country.mmdb and asn.mmdb to")
	flag.Parse()
	if err := generate(*table, *out); err != nil {
		log.Fatal(err)
	}
}

func generate(table, out string) error {
	rows, err := readTable(table)
	if err != nil {
		return err
	}
	if err := write(filepath.Join(out, "country.mmdb"), "otpgate-sample-Country", rows, row.countryRecord); err != nil {
		return err
	}
	return write(filepath.Join(out, "asn.mmdb"), "otpgate-sample-ASN", rows, row.asnRecord)
}

// row is one line of the table. Country and organisation may be none, and asn
// is 0 then.
type row struct {
	network      *net.IPNet
	country      string
	asn          uint32
	organisation string
}

// countryRecord returns what the country database holds of the row. A network
// in no country has a record that names none, as real databases have.
func (r row) countryRecord() mmdbtype.DataType {
	if r.country == none {
		return mmdbtype.Map{"traits": mmdbtype.Map{}}
	}
	return mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(r.country)}}
}

// asnRecord returns what the ASN database holds of the row: nothing where there
// is no ASN.
func (r row) asnRecord() mmdbtype.DataType {
	if r.asn == 0 {
		return nil
	}
	return mmdbtype.Map{
		"autonomous_system_number":       mmdbtype.Uint32(r.asn),
		"autonomous_system_organization": mmdbtype.String(r.organisation),
	}
}

func readTable(path string) ([]row, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if want := []string{"network", "country", "asn", "organisation"}; !slices.Equal(header, want) {
		return nil, fmt.Errorf("%s: the columns are %q: want %q", path, header, want)
	}
	var rows []row
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		parsed, err := parseRow(fields)
		if err != nil {
			line, _ := r.FieldPos(0)
			return nil, fmt.Errorf("%s:%d: %w", path, line, err)
		}
		rows = append(rows, parsed)
	}
}

func parseRow(fields []string) (row, error) {
	ip, network, err := net.ParseCIDR(fields[0])
	if err != nil {
		return row{}, err
	}
	if !ip.Equal(network.IP) {
		return row{}, fmt.Errorf("%s has host bits: want %s", fields[0], network)
	}
	r := row{network: network, country: fields[1], organisation: fields[3]}
	if len(r.country) != 2 && r.country != none {
		return row{}, fmt.Errorf("country %q: want two letters, or %s", r.country, none)
	}
	if fields[2] != none {
		n, err := strconv.ParseUint(fields[2], 10, 32)
		if err != nil {
			return row{}, fmt.Errorf("ASN: %w", err)
		}
		r.asn = uint32(n)
	}
	return r, nil
}

func write(path, databaseType string, rows []row, record func(row) mmdbtype.DataType) error {
	tree, err := mmdbwriter.New(mmdbwriter.Options{
		BuildEpoch:              built,
		DatabaseType:            databaseType,
		Description:             map[string]string{"en": "Sample of addresses that nobody has; see networks.csv"},
		IncludeReservedNetworks: true,
		Languages:               []string{"en"},
		RecordSize:              24,
	})
	if err != nil {
		return err
	}
	for _, r := range rows {
		if err := tree.Insert(r.network, record(r)); err != nil {
			return fmt.Errorf("inserting %s: %w", r.network, err)
		}
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := tree.WriteTo(f); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return f.Close()
}
