//go:build race

package phone

// sample is how many comparisons with the library are passed over for each
// that is made: its regular expressions crawl under the race detector, and
// find the same without it.
const sample = 50
