//go:build !race

package phone

const sample = 1
