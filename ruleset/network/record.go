package network

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2/mmdbdata"
)

// record is what one record of a database tells, as far as Facts have it. It is
// small and can be compared, so that each is kept once.
type record struct {
	subdivision, org, isp, provider uint32 // places in the texts of the database; 0 is ""
	asn                             uint32
	country, registered, represent  uint16 // as countryOf has them
	yes, known                      Traits // known are those of which the record says yes or no
	static, risk                    uint16 // hundredths
	continent                       uint8  // place in continents
	connection                      Connection
	user                            User
	countryConfidence               uint8
	anonymizerConfidence            uint8
}

// fields returns what r tells.
func (r *record) fields() (s fieldSet) {
	for i, told := range [...]bool{r.country != 0, r.registered != 0, r.represent != 0, r.continent != 0, r.subdivision != 0, r.countryConfidence != 0,
		r.asn != 0, r.org != 0, r.isp != 0, r.provider != 0, r.known != 0, r.connection != 0, r.user != 0, r.static != 0, r.risk != 0, r.anonymizerConfidence != 0} {
		if told {
			s |= 1 << i
		}
	}
	return s
}

// Bounds on what is read from one record. Real ones stay far below: MaxMind's
// Enterprise records have some 60 keys, and organisations some 60 letters.
const (
	maxKeys = 1024
	maxText = 4096
)

// reading is a record while it is read.
type reading struct {
	record
	texts *texts
	keys  int // that have been read

	strange map[string]bool // some keys that nothing is known of, for messages

	score       bool // the database tells static scores in "score"
	residential bool // the database holds residential proxies only

	nested, flat, plain         text   // countries
	number, plainASN, traitsASN number // and their organisations
	org, traitsOrg, asName, asn text
	region, divided             text
	user, connection            text
	residentialDays             bool
}

// traitKeys are the keys that tell a trait with a boolean, or with text: "true".
var traitKeys = map[string]Traits{
	"is_anonymous": Anonymous, "is_anonymous_proxy": Anonymous,
	"is_anonymous_vpn": VPN, "is_vpn": VPN, "vpn": VPN,
	"is_public_proxy": PublicProxy, "is_proxy": PublicProxy, "proxy": PublicProxy,
	"is_residential_proxy": ResidentialProxy, "is_res_proxy": ResidentialProxy, "res_proxy": ResidentialProxy,
	"is_tor_exit_node": Tor, "is_tor": Tor, "tor": Tor,
	"is_relay": Relay, "relay": Relay,
	"is_hosting_provider": Hosting, "is_hosting": Hosting, "hosting": Hosting,
	"is_anycast": Anycast, "anycast": Anycast,
	"is_satellite": Satellite, "is_satellite_provider": Satellite, "satellite": Satellite,
	"is_mobile": Cellular, "mobile": Cellular,
}

// UnmarshalMaxMindDBCursor reads one record.
func (d *reading) UnmarshalMaxMindDBCursor(c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	next, err := d.readMap(c, func(key []byte, value mmdbdata.Cursor) (mmdbdata.Cursor, error) {
		switch string(key) {
		case "country":
			if !isMap(value) {
				return d.plain.read(value)
			}
			return d.readMap(value, func(key []byte, value mmdbdata.Cursor) (mmdbdata.Cursor, error) {
				switch string(key) {
				case "iso_code":
					return d.nested.read(value)
				case "confidence":
					return readPercent(&d.countryConfidence, value)
				}
				return value.Skip()
			})
		case "country_code":
			return d.flat.read(value)
		case "registered_country":
			return d.readCode("iso_code", value, func(code string) { d.registered = countryNumber(code) })
		case "represented_country":
			return d.readCode("iso_code", value, func(code string) { d.represent = countryNumber(code) })
		case "continent":
			if isMap(value) {
				return d.readCode("code", value, d.inContinent)
			}
			return readText(value, d.inContinent)
		case "continent_code":
			return readText(value, d.inContinent)
		case "subdivisions":
			return d.readFirst(value, func(value mmdbdata.Cursor) (mmdbdata.Cursor, error) {
				return d.readCode("iso_code", value, func(code string) { d.divided = text{code, true} })
			})
		case "region_code":
			return d.region.read(value)
		case "autonomous_system_number":
			return d.number.read(value)
		case "autonomous_system_organization":
			return d.org.read(value)
		case "asn":
			return d.plainASN.read(value)
		case "as_name":
			return d.asName.read(value)
		case "name":
			return d.asn.read(value)
		case "percent_days_seen": // IPinfo's residential proxies
			d.residentialDays = true
			return value.Skip()
		case "score":
			if d.score {
				return readHundredths(&d.static, value)
			}
		case "traits":
			return d.readMap(value, func(key []byte, value mmdbdata.Cursor) (mmdbdata.Cursor, error) {
				switch string(key) {
				case "autonomous_system_number":
					return d.traitsASN.read(value)
				case "autonomous_system_organization":
					return d.traitsOrg.read(value)
				}
				return d.readTrait(key, value)
			})
		}
		return d.readTrait(key, value)
	})
	if err != nil {
		return next, err
	}
	d.decide()
	return next, nil
}

// readTrait reads what stands at the top of some databases and in traits of
// others.
func (d *reading) readTrait(key []byte, value mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	if t, ok := traitKeys[string(key)]; ok {
		yes, known, next, err := readYes(value)
		if known {
			d.known |= t
		}
		if yes {
			d.yes |= t
		}
		return next, err
	}
	switch string(key) {
	case "isp":
		return readText(value, func(s string) { d.isp = d.texts.add(s) })
	case "provider_name", "service":
		return readText(value, func(s string) { d.provider = d.texts.add(s) })
	case "connection_type":
		return d.connection.read(value)
	case "user_type":
		return d.user.read(value)
	case "static_ip_score":
		return readHundredths(&d.static, value)
	case "ip_risk", "ip_risk_snapshot":
		return readHundredths(&d.risk, value)
	case "anonymizer_confidence":
		return readPercent(&d.anonymizerConfidence, value)
	}
	if len(d.strange) < 8 && len(key) < 40 {
		d.strange[string(key)] = true
	}
	return value.Skip()
}

// decide makes one answer of the different places in which a record may tell
// the same. The first that is there counts, whatever it says.
func (d *reading) decide() {
	for _, code := range []text{d.nested, d.flat, d.plain} {
		if code.found {
			d.country = countryNumber(code.s)
			break
		}
	}
	if d.country == 0 {
		d.countryConfidence = 0
	}
	if !d.asName.found {
		d.asName = d.asn
	}
	for _, system := range []struct {
		number number
		org    text
	}{{d.number, d.org}, {d.plainASN, d.asName}, {d.traitsASN, d.traitsOrg}} {
		if system.number.found {
			if d.record.asn = system.number.n; d.record.asn != 0 {
				d.record.org = d.texts.add(system.org.s)
			}
			break
		}
	}
	if !d.divided.found {
		d.divided = d.region
	}
	if code := d.divided.s; d.country != 0 && isSubdivision(code) {
		d.subdivision = d.texts.add(countryOf(d.country) + "-" + code)
	}
	d.record.connection, d.record.user = connectionOf(d.connection.s), userOf(d.user.s)

	follows := func(from bool, t Traits) {
		if from && d.known&t == 0 {
			d.known |= t
			d.yes |= t
		}
	}
	follows(d.residentialDays || d.residential && (d.anonymizerConfidence != 0 || d.provider != 0), ResidentialProxy)
	follows(d.yes&(VPN|PublicProxy|ResidentialProxy|Tor|Relay) != 0, Anonymous)
	follows(d.record.user == ConsumerPrivacyNetwork, Relay)
	follows(d.record.user == HostingUser, Hosting)
	follows(d.record.user == CellularUser || d.record.connection == CellularConnection, Cellular)
	follows(d.record.connection == SatelliteConnection, Satellite)
}

func (d *reading) inContinent(code string) {
	for i, c := range continents {
		if c == code && i > 0 {
			d.continent = uint8(i)
		}
	}
}

// isSubdivision reports whether s can be the second part of a code of ISO
// 3166-2.
func isSubdivision(s string) bool {
	for _, b := range []byte(s) {
		if (b < '0' || b > '9') && (b < 'A' || b > 'Z') {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 3
}

// readMap calls entry for each key of the map at c; entry reads or skips the
// value and returns what follows it. A value that is not a map is skipped: it
// has none of the keys.
func (d *reading) readMap(c mmdbdata.Cursor, entry func(key []byte, value mmdbdata.Cursor) (mmdbdata.Cursor, error)) (mmdbdata.Cursor, error) {
	kind, err := c.Kind()
	if err != nil {
		return c, err
	}
	if kind != mmdbdata.KindMap {
		return c.Skip()
	}
	m, err := c.Map()
	if err != nil {
		return c, err
	}
	if d.keys += int(min(m.Size(), maxKeys+1)); d.keys > maxKeys {
		return c, fmt.Errorf("a record has more than %d keys", maxKeys)
	}
	var at mmdbdata.Cursor
	for {
		key, value, ok := m.Next(at)
		if !ok {
			return m.End()
		}
		if at, err = entry(key, value); err != nil {
			return c, err
		}
	}
}

// readCode reads the text at key in the map at c.
func (d *reading) readCode(key string, c mmdbdata.Cursor, found func(string)) (mmdbdata.Cursor, error) {
	return d.readMap(c, func(k []byte, value mmdbdata.Cursor) (mmdbdata.Cursor, error) {
		if string(k) == key {
			return readText(value, found)
		}
		return value.Skip()
	})
}

// readFirst reads the first element of a list, which is the widest subdivision,
// and skips the others.
func (d *reading) readFirst(c mmdbdata.Cursor, read func(mmdbdata.Cursor) (mmdbdata.Cursor, error)) (mmdbdata.Cursor, error) {
	if kind, err := c.Kind(); err != nil || kind != mmdbdata.KindSlice {
		return c.Skip()
	}
	s, err := c.SliceMaxSize(maxKeys)
	if err != nil {
		return c, err
	}
	var at mmdbdata.Cursor
	for {
		i, value, ok := s.Next(at)
		if !ok {
			return s.End()
		}
		if i == 0 {
			at, err = read(value)
		} else {
			at, err = value.Skip()
		}
		if err != nil {
			return c, err
		}
	}
}

func isMap(c mmdbdata.Cursor) bool {
	kind, err := c.Kind()
	return err == nil && kind == mmdbdata.KindMap
}

// text is a field that holds a string.
type text struct {
	s     string
	found bool
}

// read reads a string, and skips what is none.
func (f *text) read(c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	return readText(c, func(s string) { f.s, f.found = s, true })
}

func readText(c mmdbdata.Cursor, found func(string)) (mmdbdata.Cursor, error) {
	kind, err := c.Kind()
	if err != nil {
		return c, err
	}
	if kind != mmdbdata.KindString {
		return c.Skip()
	}
	s, next, err := c.ReadStringMaxSize(maxText)
	if err == nil {
		found(s)
	}
	return next, err
}

// readYes reads a boolean, or what stands for one in text. Text that is empty
// says no.
func readYes(c mmdbdata.Cursor) (yes, known bool, next mmdbdata.Cursor, err error) {
	kind, err := c.Kind()
	if err != nil {
		return false, false, c, err
	}
	switch kind {
	case mmdbdata.KindBool:
		yes, next, err = c.ReadBool()
		return yes, err == nil, next, err
	case mmdbdata.KindString:
		var s text
		next, err = s.read(c)
		switch strings.ToLower(s.s) {
		case "true", "1", "yes":
			return true, true, next, err
		case "false", "0", "no", "":
			return false, s.found, next, err
		}
		return false, false, next, err
	}
	next, err = c.Skip()
	return false, false, next, err
}

// readHundredths reads a score from 0 to 100.
func readHundredths(to *uint16, c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	f, next, err := readNumber(c)
	if f > 0 && f <= 100 {
		*to = uint16(math.Round(f * 100))
	}
	return next, err
}

// readPercent reads a confidence from 0 to 100.
func readPercent(to *uint8, c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	f, next, err := readNumber(c)
	if f > 0 && f <= 100 {
		*to = uint8(math.Round(f))
	}
	return next, err
}

// readNumber reads a number, and skips what is none.
func readNumber(c mmdbdata.Cursor) (f float64, next mmdbdata.Cursor, err error) {
	kind, err := c.Kind()
	if err != nil {
		return 0, c, err
	}
	switch kind {
	case mmdbdata.KindFloat32, mmdbdata.KindFloat64:
		return c.ReadFloat()
	case mmdbdata.KindUint16, mmdbdata.KindUint32, mmdbdata.KindUint64:
		n, next, err := c.ReadUint()
		return float64(n), next, err
	}
	next, err = c.Skip()
	return 0, next, err
}

// number is a field that holds an ASN, as a number or as text.
type number struct {
	n     uint32
	found bool
}

func (f *number) read(c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	kind, err := c.Kind()
	if err != nil {
		return c, err
	}
	switch kind {
	case mmdbdata.KindUint16, mmdbdata.KindUint32, mmdbdata.KindUint64:
		n, next, err := c.ReadUint()
		f.found = true
		if n <= math.MaxUint32 {
			f.n = uint32(n)
		}
		return next, err
	case mmdbdata.KindString:
		var s text
		next, err := s.read(c)
		f.found = true
		f.n = parseASN(s.s)
		return next, err
	}
	return c.Skip()
}

// parseASN reads "AS64496" or "64496"; what is neither is 0.
func parseASN(s string) uint32 {
	if len(s) > 2 && strings.EqualFold(s[:2], "AS") {
		s = s[2:]
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// texts keeps each text once.
type texts struct {
	all    []string
	places map[string]uint32
}

func newTexts() *texts {
	return &texts{all: []string{""}, places: map[string]uint32{"": 0}}
}

func (t *texts) add(s string) uint32 {
	place, ok := t.places[s]
	if !ok {
		place = uint32(len(t.all))
		s = strings.Clone(s)
		t.all = append(t.all, s)
		t.places[s] = place
	}
	return place
}
