package strict

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
)

// Size is a number of bytes, written with its unit: 512B, 16KiB, 1MB.
// KiB, MiB and GiB are powers of 1024; KB, MB and GB of 1000.
type Size int64

const sizePattern = `^[0-9]+(B|KB|MB|GB|KiB|MiB|GiB)$`

var (
	sizeForm  = regexp.MustCompile(`^([0-9]+)(B|KB|MB|GB|KiB|MiB|GiB)$`)
	looseSize = regexp.MustCompile(`^([0-9]+)\s*([kKmMgG])(|[bB]|i|[iI][bB])$`)
	sizeUnits = map[string]int64{
		"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
	}
)

// ParseText reads s.
func (z *Size) ParseText(s string) error {
	m := sizeForm.FindStringSubmatch(s)
	if m == nil {
		return fmt.Errorf("want %s, got %s%s", z.Describe(), quote(s), saySize(s))
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || n > math.MaxInt64/sizeUnits[m[2]] {
		return fmt.Errorf("%s is too large", quote(s))
	}
	*z = Size(n * sizeUnits[m[2]])
	return nil
}

func saySize(s string) string {
	if decimalInt.MatchString(s) && s[0] != '-' {
		return fmt.Sprintf("; a number needs its unit: %sB", s)
	}
	if m := looseSize.FindStringSubmatch(s); m != nil {
		unit := string(m[2][0] &^ 0x20) // upper case
		return fmt.Sprintf("; say %s%siB or %s%sB", m[1], unit, m[1], unit)
	}
	return ""
}

// Bytes returns z as a number of bytes.
func (z Size) Bytes() int64 { return int64(z) }

// String returns z as it can be written in the file, in the largest unit that
// leaves no fraction.
func (z Size) String() string {
	for _, unit := range []string{"GiB", "MiB", "KiB", "GB", "MB", "KB"} {
		if size := Size(sizeUnits[unit]); z != 0 && z%size == 0 {
			return fmt.Sprintf("%d%s", int64(z/size), unit)
		}
	}
	return fmt.Sprintf("%dB", int64(z))
}

// Describe names the type to people.
func (Size) Describe() string { return "a size such as 16KiB or 1MB" }

// SchemaPattern is the form of the text, for the JSON Schema.
func (Size) SchemaPattern() string { return sizePattern }
