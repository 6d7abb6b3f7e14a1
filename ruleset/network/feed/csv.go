package feed

import (
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/otpgate/otpgate/ruleset/network"
)

// csvReader reads a table of which each line is a row. Quoted fields may hold
// commas, but no line ends: an open quote can never swallow the rest of a file.
type csvReader struct {
	c       *collector
	decided bool // the columns are known
	geofeed bool
	header  []string

	entry, last int   // the column of the network, or of the first and last address; last is -1 if there is none
	country     int   // -1 if there is none
	services    []int // columns
	regions     []int
	tags        []int
}

var (
	errOpenQuote = errors.New("a quote is left open")
	errFewFields = errors.New("the row has too few fields")
)

// Names of columns, without regard to case.
var (
	entryColumns = []string{"ip_prefix", "prefix", "cidr", "network", "subnet", "range", "ip_range", "iprange", "ip_cidr",
		"ip", "ip_address", "ipaddress", "address", "ip-address"}
	firstColumns   = []string{"start_ip", "first_ip", "ip_start", "ip_from", "start", "first", "from", "range_start"}
	lastColumns    = []string{"end_ip", "last_ip", "ip_end", "ip_to", "end", "last", "to", "range_end"}
	countryColumns = []string{"country", "country_code", "alpha2code", "cc", "country_iso_code"}
	serviceColumns = []string{"service", "product"}
	regionColumns  = []string{"region", "country", "country_code", "alpha2code"}
	tagColumns     = []string{"tag", "tags", "name", "city"}
)

func (t *csvReader) line(number int, line string) error {
	if line == "" || line[0] == '#' {
		return nil
	}
	fields, ok := splitFields(line)
	if !ok {
		t.c.unreadable("line", int64(number), errOpenQuote)
		return nil
	}
	if !t.decided && !t.decide(fields) {
		return nil // it was the header
	}
	if t.entry >= len(fields) || t.last >= len(fields) {
		t.c.unreadable("line", int64(number), errFewFields)
		return nil
	}
	entry := fields[t.entry]
	if t.last >= 0 {
		entry += "-" + fields[t.last]
	}
	return t.c.text(entry, number, t.labels(fields))
}

// decide finds the columns with the help of the first row. It reports false if
// that row is the header: then the next one decides.
func (t *csvReader) decide(row []string) bool {
	t.entry, t.last, t.country = -1, -1, -1
	if t.header == nil && !slices.ContainsFunc(row, isEntry) && !looksLikeEntry(row[0]) {
		for _, name := range row {
			t.header = append(t.header, strings.ToLower(name))
		}
		return false
	}
	t.decided = true
	t.entry = slices.IndexFunc(row, isEntry)
	if t.header != nil {
		first, last := t.column(firstColumns), t.column(lastColumns)
		switch named := t.column(entryColumns); {
		case named >= 0:
			t.entry = named
		case first >= 0 && last >= 0:
			t.entry, t.last = first, last
		}
		t.country = t.column(countryColumns)
		t.services, t.regions, t.tags = t.columns(serviceColumns), t.columns(regionColumns), t.columns(tagColumns)
	} else if t.entry == 0 && len(row) > 1 {
		switch {
		case isAddress(row[0]) && isAddress(row[1]):
			t.last = 1
			if len(row) > 2 && (row[2] == "" || countryCode(row[2]) != "") {
				t.country, t.regions = 2, []int{2}
			}
		case row[1] == "" || countryCode(row[1]) != "":
			t.geofeed = true
			t.country, t.regions, t.tags = 1, []int{1, 2}, []int{3}
		}
	}
	t.entry = max(t.entry, 0)
	return true
}

// column returns the first column that has one of the names, or -1. The names
// come in the order of preference.
func (t *csvReader) column(names []string) int {
	for _, name := range names {
		if i := slices.Index(t.header, name); i >= 0 {
			return i
		}
	}
	return -1
}

func (t *csvReader) columns(names []string) []int {
	var found []int
	for i, name := range t.header {
		if slices.Contains(names, name) {
			found = append(found, i)
		}
	}
	return found
}

func (t *csvReader) labels(row []string) labels {
	var l labels
	if t.country >= 0 && t.country < len(row) {
		l.country = countryCode(row[t.country])
	}
	if t.c.wanted == nil {
		return l
	}
	pick := func(columns []int) []string {
		var words []string
		for _, i := range columns {
			if i < len(row) {
				words = append(words, row[i])
			}
		}
		return words
	}
	l.services, l.regions, l.tags = pick(t.services), pick(t.regions), pick(t.tags)
	return l
}

// splitFields splits a row at its commas. Quotes around a field are taken off.
// It reports false if a quote is left open.
func splitFields(line string) ([]string, bool) {
	if !strings.Contains(line, `"`) {
		fields := strings.Split(line, ",")
		for i, field := range fields {
			fields[i] = strings.Trim(field, blanks)
		}
		return fields, true
	}
	var fields []string
	var field strings.Builder
	quoted := false
	for i := 0; i < len(line); i++ {
		switch b := line[i]; {
		case b == '"' && quoted && i+1 < len(line) && line[i+1] == '"':
			field.WriteByte('"')
			i++
		case b == '"':
			quoted = !quoted
		case b == ',' && !quoted:
			fields = append(fields, strings.Trim(field.String(), blanks))
			field.Reset()
		default:
			field.WriteByte(b)
		}
	}
	return append(fields, strings.Trim(field.String(), blanks)), !quoted
}

func isEntry(s string) bool {
	_, err := network.ParseEntry(s)
	return err == nil
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// countryCode returns the code of a country in capitals, or "" if s is none.
func countryCode(s string) string {
	if len(s) != 2 {
		return ""
	}
	for i := range 2 {
		if b := s[i] | 0x20; b < 'a' || b > 'z' {
			return ""
		}
	}
	return strings.ToUpper(s)
}
