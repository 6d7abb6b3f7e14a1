package fleet

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"
)

// Pick chooses what a client asks for, so long after the run has begun.
type Pick func(r *rand.Rand, at time.Duration) Facts

// Area codes of the United States and of Canada. Each has a hundred numbers
// that nobody has, from 555-0100 on; the United Kingdom has a thousand.
var (
	areasUS = strings.Fields(`
201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 248 251 252 253 254
256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318 319 320 321 323 325 330
331 334 336 337 347 351 352 360 361 386 401 402 404 405 406 407 408 409 410 412 413 414 415 417 419 423 424 425 430 432
434 435 440 443 469 478 479 480 484 501 502 503 504 505 507 508 509 510 512 513 515 516 517 518 520 530 540 541 551 559
561 562 563 567 570 571 573 574 580 585 586 601 602 603 605 606 607 608 609 610 612 614 615 616 617 618 619 620 623 626
630 631 636 641 646 650 651 660 661 662 678 682 701 702 703 704 706 707 708 712 713 714 715 716 717 718 719 720 724 727
731 732 734 740 754 757 760 763 765 770 772 773 774 775 785 786 801 802 803 804 805 806 808 810 812 813 814 815 816 817
818 828 830 831 832 843 845 847 848 850 856 857 858 859 860 862 863 864 865 870 901 903 904 906 907 908 909 910 912 913
914 915 916 917 918 919 920 925 928 931 936 937 940 941 947 949 951 952 954 956 970 971 972 973 978 979 980 985 989`)
	areasCA = strings.Fields("204 226 236 249 250 289 306 343 365 403 416 418")
)

// US returns the i-th number of the United States: those of an area code, which
// are one range, follow each other.
func US(i int) string { return northern(areasUS, i) }

// CA returns the i-th number of Canada.
func CA(i int) string { return northern(areasCA, i) }

// GB returns the i-th number of the United Kingdom.
func GB(i int) string { return fmt.Sprintf("+442079460%03d", i%1000) }

func northern(areas []string, i int) string {
	return fmt.Sprintf("+1%s55501%02d", areas[i/100%len(areas)], i%100)
}

// country returns the region of a number that US, CA or GB has made.
func country(phone string) string {
	if strings.HasPrefix(phone, "+44") {
		return "GB"
	}
	for _, area := range areasCA {
		if strings.HasPrefix(phone, "+1"+area) {
			return "CA"
		}
	}
	return "US"
}

// V4 returns the i-th address set aside for documentation.
func V4(i int) netip.Addr {
	blocks := [][3]byte{{192, 0, 2}, {198, 51, 100}, {203, 0, 113}}
	b := blocks[i/254%len(blocks)]
	return netip.AddrFrom4([4]byte{b[0], b[1], b[2], byte(1 + i%254)})
}

// V6 returns some address of the i-th /64 of 2001:db8::/32. A /48 has 65536 of
// them.
func V6(r *rand.Rand, i int) netip.Addr {
	a := [16]byte{0x20, 0x01, 0x0d, 0xb8, byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)}
	for k := 8; k < 16; k++ {
		a[k] = byte(r.Uint32())
	}
	return netip.AddrFrom16(a)
}

// Anybody is somebody whom hardly anybody has seen: only the number may come
// again. It is none of the first thousand of the United States.
func Anybody(r *rand.Rand) Facts {
	f := Facts{
		Email:  fmt.Sprintf("person%d@example.com", r.Uint64()),
		Device: fmt.Sprintf("device-%016x", r.Uint64()),
		IP:     V6(r, r.IntN(1<<31)),
	}
	switch n := r.IntN(10); {
	case n < 7:
		f.Phone = US(1000 + r.IntN(100*len(areasUS)-1000))
	case n < 9:
		f.Phone = CA(r.IntN(100 * len(areasCA)))
	default:
		f.Phone = GB(r.IntN(1000))
	}
	return f
}
