//go:build !unix

package feed

const openFlags = 0
