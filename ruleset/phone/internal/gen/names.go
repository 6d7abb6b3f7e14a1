package main

import (
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// nowhereNames are what the ITU calls the calling codes of no country.
var nowhereNames = map[int]string{
	800: "International Freephone",
	808: "International Shared Cost",
	870: "Inmarsat",
	878: "Universal Personal Telecommunications",
	881: "Global Mobile Satellite System",
	882: "International Networks",
	883: "International Networks",
	888: "Disaster Relief",
	979: "International Premium Rate",
}

// nameOf returns the English name of a region, "" if there is none.
func nameOf(id string, code int) string {
	if id == nowhere {
		return nowhereNames[code]
	}
	region, err := language.ParseRegion(id)
	if err != nil {
		return ""
	}
	return display.English.Regions().Name(region)
}
