package main

import "testing"

func TestReadChanges(t *testing.T) {
	const log = `v1.8.1 (2026-07-15)
-------------------------
 * Fix panic

v1.8.0 (2026-06-01)
-------------------------
 * Update metadata (regenerated against upstream libphonenumber 9.0.32-SNAPSHOT)

v1.7.4 (2026-05-11)
-------------------------
 * Fix a test
 * Updated metadata

v1.7.3 (2026-05-10)
-------------------------
 * Rename metadata functions
`
	for version, want := range map[string]origin{
		"v1.8.1": {upstream: "9.0.32-SNAPSHOT", date: "2026-06-01"},
		"v1.8.0": {upstream: "9.0.32-SNAPSHOT", date: "2026-06-01"},
		"v1.7.4": {date: "2026-05-11"},
		"v1.7.3": {},
		"v2.0.0": {},
	} {
		got, err := readChanges(log, version)
		if got != want || (err == nil) != (want != origin{}) {
			t.Errorf("%s: %+v, %v; want %+v", version, got, err, want)
		}
	}
}
