package network

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2/mmdbdata"
)

// ASNDB tells the autonomous system of an address. It is immutable, lives in
// memory and is safe for concurrent use; there is nothing to close.
//
// These layouts are known, in this order where a record has several:
//
//	autonomous_system_number         MaxMind (ASN, ISP), DB-IP, ip-location-db
//	asn                              IPinfo, also as text: "AS64496"
//	traits.autonomous_system_number  MaxMind Enterprise
//
// The organisation is read beside it: autonomous_system_organization; as_name
// or name with asn.
type ASNDB struct {
	db *database[asnRecord, *asnRecord]
}

// OpenASN opens the database at path and proves that it can be read and tells
// ASNs. The error says what is wrong and what would be right.
func OpenASN(path string) (*ASNDB, error) {
	data, err := readDatabase(path)
	if err != nil {
		return nil, fmt.Errorf("opening ASN database %s: %w", path, err)
	}
	d, err := newASNDB(data)
	if err != nil {
		return nil, fmt.Errorf("opening ASN database %s: %w", path, err)
	}
	d.db.info.Path = path
	return d, nil
}

func newASNDB(data []byte) (*ASNDB, error) {
	db, err := newDatabase[asnRecord](data)
	if err != nil {
		return nil, err
	}
	switch {
	case db.info.Records == 0:
		return nil, errors.New("holds no networks")
	case db.info.Layout == "":
		is := ""
		if other, err := newDatabase[countryRecord](data); err == nil && other.info.Answers > 0 {
			is = "is a country database"
		}
		return nil, wrongDatabase(db.info, is, "an ASN", []string{"autonomous_system_number", "asn", "traits.autonomous_system_number"})
	case db.info.Answers == 0:
		return nil, fmt.Errorf("has %s in its records, but never a number, such as 64496 or AS64496", db.info.Layout)
	}
	return &ASNDB{db}, nil
}

// ASN returns the number of the autonomous system of a and the name of the
// organisation that runs it. They are 0 and "" when they are not known; a
// number without a name occurs.
func (d *ASNDB) ASN(a netip.Addr) (asn uint32, org string, err error) {
	rec, err := d.db.lookup(a)
	if err != nil {
		return 0, "", fmt.Errorf("looking up ASN: %w", err)
	}
	if rec == nil {
		return 0, "", nil
	}
	return rec.asn, rec.org, nil
}

// Info describes the database.
func (d *ASNDB) Info() Info { return d.db.info }

// asnRecord is the part of a record that tells the autonomous system.
type asnRecord struct {
	asn   uint32
	org   string
	field string // where the number was read
}

func (r *asnRecord) layout() string { return r.field }
func (r *asnRecord) answered() bool { return r.asn != 0 }

// UnmarshalMaxMindDBCursor reads one record.
func (r *asnRecord) UnmarshalMaxMindDBCursor(c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	var flat, plain, traits number
	var flatOrg, asName, name, traitsOrg text
	next, err := readMap(c, func(key []byte, value mmdbdata.Cursor) (mmdbdata.Cursor, error) {
		switch string(key) {
		case "autonomous_system_number":
			return flat.read(value)
		case "autonomous_system_organization":
			return flatOrg.read(value)
		case "asn":
			return plain.read(value)
		case "as_name":
			return asName.read(value)
		case "name":
			return name.read(value)
		case "traits":
			return readMap(value, func(key []byte, value mmdbdata.Cursor) (mmdbdata.Cursor, error) {
				switch string(key) {
				case "autonomous_system_number":
					return traits.read(value)
				case "autonomous_system_organization":
					return traitsOrg.read(value)
				}
				return value.Skip()
			})
		}
		return value.Skip()
	})
	if err != nil {
		return next, err
	}
	switch {
	case flat.found:
		r.field, r.asn, r.org = "autonomous_system_number", flat.n, flatOrg.s
	case plain.found:
		r.field, r.asn, r.org = "asn", plain.n, asName.s
		if !asName.found {
			r.org = name.s
		}
	case traits.found:
		r.field, r.asn, r.org = "traits.autonomous_system_number", traits.n, traitsOrg.s
	}
	if r.asn == 0 {
		r.org = ""
	}
	return next, nil
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
