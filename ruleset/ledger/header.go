package ledger

import "hash/crc32"

// fileHead is the header of a file.
type fileHead struct {
	kind   uint32
	seed   [2]uint64
	number uint64
	seq    uint64
}

func (f fileHead) bytes() []byte {
	b := make([]byte, fileHeader)
	copy(b, fileMagic)
	le.PutUint32(b[16:], fileVersion)
	le.PutUint32(b[20:], f.kind)
	le.PutUint64(b[24:], f.seed[0])
	le.PutUint64(b[32:], f.seed[1])
	le.PutUint64(b[40:], f.number)
	le.PutUint64(b[48:], f.seq)
	le.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
	return b
}

// parseFileHead reads a file's header. What is wrong with it is empty if
// nothing is.
func parseFileHead(b []byte) (f fileHead, wrong string) {
	switch {
	case len(b) < fileHeader:
		return f, "it is too short"
	case string(b[:16]) != fileMagic:
		return f, "it is not of a ledger"
	case le.Uint32(b[60:]) != crc32.Checksum(b[:60], castagnoli):
		return f, "its header does not match its checksum"
	case le.Uint32(b[16:]) != fileVersion:
		return f, "it is of another version of the program"
	}
	return fileHead{
		kind:   le.Uint32(b[20:]),
		seed:   [2]uint64{le.Uint64(b[24:]), le.Uint64(b[32:])},
		number: le.Uint64(b[40:]),
		seq:    le.Uint64(b[48:]),
	}, ""
}
