// Command geogen makes the sample databases in testdata/geo from the tables
// beside them, networks.csv and anonymous.csv. Run it from the root of the
// repository:
//
//	go run ./testdata/internal/geogen
//
// The same tables make the same bytes, on any day and any machine.
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

// built is the build time all databases state: 2026-01-01, 00:00 UTC.
const built = 1767225600

const none = "-"

func main() {
	log.SetFlags(0)
	log.SetPrefix("geogen: ")
	tables := flag.String("tables", "testdata/geo", "the `folder` to read networks.csv and anonymous.csv from")
	out := flag.String("out", "testdata/geo", "the `folder` to write country.mmdb, asn.mmdb and anonymous.mmdb to")
	flag.Parse()
	if err := generate(*tables, *out); err != nil {
		log.Fatal(err)
	}
}

func generate(tables, out string) error {
	rows, err := readTable(filepath.Join(tables, "networks.csv"), []string{"network", "country", "asn", "organisation"}, parseRow)
	if err != nil {
		return err
	}
	anonymous, err := readTable(filepath.Join(tables, "anonymous.csv"), []string{"network", "is", "risk"}, parseAnonymous)
	if err != nil {
		return err
	}
	if err := write(filepath.Join(out, "anonymous.mmdb"), "otpgate-sample-Anonymous", anonymous); err != nil {
		return err
	}
	var countries, systems []entry
	for _, r := range rows {
		countries = append(countries, entry{r.network, r.countryRecord()})
		systems = append(systems, entry{r.network, r.asnRecord()})
	}
	if err := write(filepath.Join(out, "country.mmdb"), "otpgate-sample-Country", countries); err != nil {
		return err
	}
	return write(filepath.Join(out, "asn.mmdb"), "otpgate-sample-ASN", systems)
}

// entry is what a database holds of a network.
type entry struct {
	network *net.IPNet
	record  mmdbtype.DataType
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

func readTable[T any](path string, columns []string, parse func(fields []string) (T, error)) ([]T, error) {
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
	if !slices.Equal(header, columns) {
		return nil, fmt.Errorf("%s: the columns are %q: want %q", path, header, columns)
	}
	var rows []T
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		parsed, err := parse(fields)
		if err != nil {
			line, _ := r.FieldPos(0)
			return nil, fmt.Errorf("%s:%d: %w", path, line, err)
		}
		rows = append(rows, parsed)
	}
}

func parseNetwork(s string) (*net.IPNet, error) {
	ip, network, err := net.ParseCIDR(s)
	if err != nil {
		return nil, err
	}
	if !ip.Equal(network.IP) {
		return nil, fmt.Errorf("%s has host bits: want %s", s, network)
	}
	return network, nil
}

// says are the fields of MaxMind's databases of anonymous addresses.
var says = map[string]string{
	"vpn": "is_anonymous_vpn", "hosting": "is_hosting_provider", "tor": "is_tor_exit_node",
	"public_proxy": "is_public_proxy", "residential_proxy": "is_residential_proxy",
}

func parseAnonymous(fields []string) (entry, error) {
	network, err := parseNetwork(fields[0])
	if err != nil {
		return entry{}, err
	}
	field, ok := says[fields[1]]
	if !ok {
		return entry{}, fmt.Errorf("unknown word %q", fields[1])
	}
	risk, err := strconv.ParseFloat(fields[2], 64)
	if err != nil {
		return entry{}, fmt.Errorf("risk: %w", err)
	}
	return entry{network, mmdbtype.Map{"is_anonymous": mmdbtype.Bool(true), mmdbtype.String(field): mmdbtype.Bool(true), "ip_risk": mmdbtype.Float64(risk)}}, nil
}

func parseRow(fields []string) (row, error) {
	network, err := parseNetwork(fields[0])
	if err != nil {
		return row{}, err
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

func write(path, databaseType string, entries []entry) error {
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
	for _, e := range entries {
		if err := tree.Insert(e.network, e.record); err != nil {
			return fmt.Errorf("inserting %s: %w", e.network, err)
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
