package network

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/oschwald/maxminddb-golang/v2/mmdbdata"
)

// CountryDB tells the country of an address. It is immutable, lives in memory
// and is safe for concurrent use; there is nothing to close.
//
// These layouts are known, in this order where a record has several:
//
//	country.iso_code  MaxMind (Country, City, Enterprise), DB-IP
//	country_code      ip-location-db, IPinfo Lite
//	country           IPinfo, where it is a code
//
// Of MaxMind's countries it is the one the address is used in. Where a record
// names only registered_country or represented_country, which are about the
// network's owner, the country is not known.
type CountryDB struct {
	db *database[countryRecord, *countryRecord]
}

// OpenCountry opens the database at path and proves that it can be read and
// tells countries. The error says what is wrong and what would be right.
func OpenCountry(path string) (*CountryDB, error) {
	data, err := readDatabase(path)
	if err != nil {
		return nil, fmt.Errorf("opening country database %s: %w", path, err)
	}
	d, err := newCountryDB(data)
	if err != nil {
		return nil, fmt.Errorf("opening country database %s: %w", path, err)
	}
	d.db.info.Path = path
	return d, nil
}

func newCountryDB(data []byte) (*CountryDB, error) {
	db, err := newDatabase[countryRecord](data)
	if err != nil {
		return nil, err
	}
	switch {
	case db.info.Records == 0:
		return nil, errors.New("holds no networks")
	case db.info.Layout == "":
		is := ""
		if other, err := newDatabase[asnRecord](data); err == nil && other.info.Answers > 0 {
			is = "is an ASN database"
		}
		return nil, wrongDatabase(db.info, is, "a country", []string{"country.iso_code", "country_code", "country"})
	case db.info.Answers == 0:
		return nil, fmt.Errorf("has %s in its records, but never an ISO 3166 code in capitals, such as US", db.info.Layout)
	}
	return &CountryDB{db}, nil
}

// Country returns the ISO 3166-1 code of the country of a, in capitals: "US".
// It is "" when a is not found, when its record names no country, or something
// that is not one (EU, AP). UK is told as GB; XK (Kosovo) stays.
func (d *CountryDB) Country(a netip.Addr) (string, error) {
	rec, err := d.db.lookup(a)
	if err != nil {
		return "", fmt.Errorf("looking up country: %w", err)
	}
	if rec == nil {
		return "", nil
	}
	return rec.code, nil
}

// Info describes the database.
func (d *CountryDB) Info() Info { return d.db.info }

// countryRecord is the part of a record that tells the country.
type countryRecord struct {
	code  string // canonical
	field string // where it was read
}

func (r *countryRecord) layout() string { return r.field }
func (r *countryRecord) answered() bool { return r.code != "" }

// UnmarshalMaxMindDBCursor reads one record.
func (r *countryRecord) UnmarshalMaxMindDBCursor(c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	var nested, flat, plain text
	next, err := readMap(c, func(key []byte, value mmdbdata.Cursor) (mmdbdata.Cursor, error) {
		switch string(key) {
		case "country":
			if kind, err := value.Kind(); err != nil || kind != mmdbdata.KindMap {
				return plain.read(value)
			}
			return readMap(value, func(key []byte, value mmdbdata.Cursor) (mmdbdata.Cursor, error) {
				if string(key) == "iso_code" {
					return nested.read(value)
				}
				return value.Skip()
			})
		case "country_code":
			return flat.read(value)
		}
		return value.Skip()
	})
	if err != nil {
		return next, err
	}
	switch {
	case nested.found:
		r.field, r.code = "country.iso_code", canonicalCountry(nested.s)
	case flat.found:
		r.field, r.code = "country_code", canonicalCountry(flat.s)
	case plain.found:
		r.field, r.code = "country", canonicalCountry(plain.s)
	}
	return next, nil
}
