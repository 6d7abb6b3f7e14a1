// Package feed reads the lists of networks that others publish, and keeps them
// fresh.
//
// Parse reads a file in any of the formats that occur in the wild, which it
// recognises by content: plain lists, CSV and geofeeds, and the JSON of the
// large providers. A Keeper holds a set of feeds: it fetches them when they are
// due, keeps the last good copy of each on disk, and never lets a bad answer
// take the place of a good list. The Catalogue names feeds that are known to be
// worth having.
//
// A feed is written by somebody else, and its server may be taken over. So
// nothing here trusts it: sizes, times, depths and counts are bounded, private
// addresses are left out, a feed that would cover a large part of the internet is
// refused, and one that changes all of a sudden is held back until it has said
// the same several times or an operator has accepted it.
package feed
