package ruleset

import "github.com/otpgate/otpgate/ruleset/internal/strict"

// document is a ruleset file as it was written: every value with its place,
// nothing filled in. [compile] makes a [Ruleset] of it.
//
// The field tags are the reference: the decoder, the JSON Schema and the
// table in the documentation are made from them.
type document struct {
	strict.At
	Version  strict.Value[int]            `yaml:"version" required:"true" min:"1" max:"1" doc:"The version of the language. Always 1."`
	Name     strict.Value[gateName]       `yaml:"name" default:"the file's name up to its first dot" doc:"Names this gate in metrics, logs and the ledger. Gates of the same name share their counts."`
	Mode     strict.Value[Mode]           `yaml:"mode" default:"normal" doc:"The operator's switch. closed refuses every request; guarded asks for a proof where human.require says guarded."`
	Request  *requestSection              `yaml:"request" doc:"Where the facts stand in a request. This, requests or preset is required."`
	Preset   strict.Value[presetChoice]   `yaml:"preset" example:"supabase" doc:"The auth server that the gate is in front of: the shapes of its requests, and what its answers mean."`
	Requests strict.Value[[]shapeSection] `yaml:"requests" doc:"The shapes that requests have, where they have several. The first that fits is the request's; one that none fits is refused. With a preset: what differs of its shapes, by their names, and shapes that come after them."`
	Answer   *answerSection               `yaml:"answer" doc:"What the app's answer says of the SMS."`
	Network  *networkSection              `yaml:"network" doc:"Which networks a request may come from."`
	Geo      *geoSection                  `yaml:"geo" doc:"Which countries a request may come from."`
	Number   *numberSection               `yaml:"number" doc:"Which numbers a code may be sent to."`
	Human    *humanSection                `yaml:"human" doc:"The proof that a person asks."`
	Limits   strict.Value[[]limitSection] `yaml:"limits" default:"see the README" doc:"How often, for each phone, address, device and so on. A list written here replaces the default limits, but for those per session where a shape is about an account and the list counts for no session and no handle; [] is no limits."`
	Budget   *budgetSection               `yaml:"budget" doc:"How much may be spent in a day and in a month. Left out: nothing is added up."`
	Rules    strict.Value[[]ruleSection]  `yaml:"rules" doc:"Conditions of your own, in CEL. They are asked in order; allow, challenge and deny end the list, flag goes on."`
	Regions  strict.Map[*regionSection]   `yaml:"regions" doc:"What differs for numbers of a region, by ISO 3166 code."`
	Respond  *respondSection              `yaml:"respond" doc:"What a refusal tells."`
	Shadow   strict.Value[bool]           `yaml:"shadow" default:"false" doc:"Judge, count and report everything, and let everything pass."`
}

type requestSection struct {
	strict.At
	Phone   strict.Value[source]      `yaml:"phone" required:"true" example:"json /phone" doc:"Where the phone number stands: json POINTER, form FIELD, query NAME, header NAME or cookie NAME."`
	Email   strict.Value[source]      `yaml:"email" example:"json /email" doc:"Where the email address stands, if there is one."`
	Device  strict.Value[source]      `yaml:"device" example:"header X-Device-Id" doc:"Where the device's name for itself stands, if there is one."`
	Proof   strict.Value[source]      `yaml:"proof" default:"cf-turnstile-response in the body's format" doc:"Where the proof stands."`
	Region  strict.Value[region]      `yaml:"region" example:"US" doc:"How to read a number that has no country code. Without it only international spellings are read."`
	MaxBody strict.Value[strict.Size] `yaml:"max_body" default:"16KiB" doc:"The largest body that is read; a larger one is refused."`
}

type presetSection struct {
	strict.At
	Name   strict.Value[presetName] `yaml:"name" required:"true" example:"supabase" doc:"The preset."`
	Prefix strict.Value[pathPrefix] `yaml:"prefix" default:"the preset's" example:"/auth/v1" doc:"What stands before all paths of the auth server, as the gate sees them; \"\" for nothing."`
	Phone  strict.Value[source]     `yaml:"phone" default:"the preset's" example:"json /traits/mobile" doc:"Where the number stands, of a preset for an app whose operator says where: kratos."`
	Proof  strict.Value[source]     `yaml:"proof" default:"the preset's" example:"header X-Captcha" doc:"Where the proof stands, in all shapes that have one. A place in a body: in those with such a body."`
}

type shapeSection struct {
	strict.At
	Name        strict.Value[shapeName]    `yaml:"name" required:"true" example:"otp" doc:"What the shape is called in logs and conditions."`
	Method      strict.Many[methodWord]    `yaml:"method" default:"required, but for a shape of the preset" example:"POST" doc:"The methods of such requests. HEAD is not GET."`
	Path        strict.Many[pathPattern]   `yaml:"path" default:"every path of the gate" example:"/auth/v1/otp" doc:"The paths of such requests, as Caddy's path matcher takes them. One star, at the end, stands for anything; any other for what is within one step."`
	Where       strict.Many[whereWord]     `yaml:"where" example:"[json /type = sms | phone_change, query aal absent]" doc:"What has to be so, all of it: PLACE = TEXT, with | between several, PLACE exists, PLACE absent, PLACE empty (absent, or an empty text). true and false are texts too."`
	About       strict.Value[aboutWord]    `yaml:"about" default:"phone" doc:"phone: the number is in the request. email: an address is, no number is, and nothing is sent to a phone. account: the app knows the number, the request does not have it. nothing: nothing is sent, and no number is in the request."`
	Sends       strict.Value[bool]         `yaml:"sends" default:"true" doc:"false, where it is about a phone: the app only keeps the number. The number is judged, and no send is counted."`
	Phone       strict.Many[source]        `yaml:"phone" example:"json /phone" doc:"Where the phone number stands, or several places: it is at one of them, or the same at several. In a shape that is not about a phone: where none may stand. An email address there is no number where there are several places, or where email names it too."`
	AloneIn     strict.Value[source]       `yaml:"alone_in" example:"json /traits" doc:"A member at the top in which the app may find numbers at other places as well. Another text in it that looks like a number, with a plus and digits, refuses the request."`
	Email       strict.Value[source]       `yaml:"email" example:"json /email" doc:"Where the email address stands."`
	Device      strict.Value[source]       `yaml:"device" example:"header X-Device-Id" doc:"Where the device's name for itself stands."`
	Proof       strict.Value[proofPlace]   `yaml:"proof" default:"cf-turnstile-response in the body's format, or that header" doc:"Where the proof stands. none: human.require asks for none here."`
	Region      strict.Value[regionPlace]  `yaml:"region" example:"form countryCode" doc:"How to read a number that has no country code: a region, or where its ISO 3166 code stands in the request."`
	CountryCode strict.Value[source]       `yaml:"country_code" example:"form country_code" doc:"Where the calling code stands that belongs before the number."`
	Spelling    strict.Value[spellingWord] `yaml:"spelling" default:"any" doc:"Which spellings of numbers pass: any; e164, just + and the digits; digits, just those; international, digits with or without +, and spaces. For an app that does not make one of all spellings itself."`
	Handle      strict.Many[handlePlace]   `yaml:"handle" example:"[path *, json /deviceId]" doc:"Where the handle stands that an earlier answer gave out, or several. path * is the step of the path that the star stands for. With a number beside it, the handle stands for that number once the app has said that it sent."`
	Unseen      strict.Value[unseenWord]   `yaml:"unseen" default:"allow" doc:"What becomes of a request without a number whose handle the gate has seen in no answer, or too long ago. allow: limits for numbers do not count it."`
	Shows       strict.Value[bool]         `yaml:"shows" default:"false" doc:"Where about is nothing: the answer shows what was begun under the handle, so that sent in its answer means that a code was sent for it earlier."`
	Verifies    strict.Value[bool]         `yaml:"verifies" default:"false" doc:"The app sends only if it has not sent yet for the handle, and takes the request for an entered code otherwise: once the gate has seen that the app has sent, such a request is counted as one that sends nothing."`
	Answer      *answerSection             `yaml:"answer" doc:"What differs of answer: each word that stands here takes the place of the one above."`
	Session     strict.Many[credential]    `yaml:"session" example:"[header X-Session-Token, cookie sid]" doc:"Where the credential of the session stands: header NAME, cookie NAME, claim NAME of the JWT in Authorization, or claim NAME in cookie NAME, where the cookie is JSON in base64. The first that is there counts; name them in the app's own order."`
	Fold        strict.Value[bool]         `yaml:"fold" default:"false" doc:"The app reads keys of JSON as Go's encoding/json does: without case, the last one wins, null overwrites nothing."`
	Types       strict.Value[typesWord]    `yaml:"types" default:"declared" doc:"any: the app takes a body for JSON whatever its content type says."`
	Forms       strict.Value[formsWord]    `yaml:"forms" example:"dots" doc:"The app takes forms as well as JSON, and this is how their fields are named after the places in JSON: dots (json /user/phone is the field user.phone), brackets (user[phone]), or flat (no field is within another). All places are written as they are in JSON, and hold for both. Left out: no forms."`
	MaxBody     strict.Value[strict.Size]  `yaml:"max_body" default:"16KiB" doc:"The largest body that is read; a larger one is refused."`
}

type answerSection struct {
	Sent    strict.Value[[]strict.Value[sign]] `yaml:"sent" default:"[200-299]" doc:"Signs that a code was sent. They hold before those of not_sent."`
	Unknown strict.Value[[]strict.Value[sign]] `yaml:"unknown" default:"[]" example:"[422 and json /error = send_failed]" doc:"Signs that nothing certain can be said: it stays charged. They hold before all others."`
	NotSent strict.Value[[]strict.Value[sign]] `yaml:"not_sent" default:"[400-405, 407, 409-411, 413-415, 418-498]" doc:"Signs that no code was sent: the charges are given back. no_answer stands for an app that took the request and never answered it in full. All that no list names is unknown and stays charged. A connection that could not be made is always not sent. The default leaves out what a caller can make an app answer after it has sent: 406, 408, 412, 416, 417, 499."`
	Handle  strict.Many[answerSource]          `yaml:"handle" example:"json /verificationId" doc:"Where the answer names what was begun, so that later requests need not bring the number: json POINTER, header NAME, cookie NAME, or location PARAMETER, which is one of the URL in the Location field."`
	Keep    strict.Value[strict.Duration]      `yaml:"keep" default:"1h" doc:"How long it is known which number a handle stands for, from 1m to 366d."`
	MaxBody strict.Value[strict.Size]          `yaml:"max_body" default:"64KiB" doc:"The most of an answer that is read, unpacked, from 1KiB to 1MiB. What a larger one says is not known."`
}

type networkSection struct {
	Trust   strict.Value[[]strict.Value[string]] `yaml:"trust" default:"[]" example:"[icloud-relay]" doc:"Names of lists whose addresses are let through this check whatever else is said of them: real people behind data-center addresses. Where such a list tells the country of the person, that is the country of the address."`
	Deny    strict.Value[[]strict.Value[string]] `yaml:"deny" default:"[]" example:"[tor, hosting]" doc:"Whose addresses are refused: names of lists, and of what databases tell of addresses."`
	Private strict.Value[allowWord]              `yaml:"private" default:"allow here; geo.unknown where no country is known" doc:"Addresses that nobody has on the internet: private, loopback, link-local, shared and reserved ones. deny refuses them here; allow lets them through geo as well, where no country is known of them."`
	Tunnels strict.Value[allowWord]              `yaml:"tunnels" default:"deny" doc:"Addresses of 6to4 and Teredo, which anybody can make up."`
	Lists   strict.Map[*listSection]             `yaml:"lists" doc:"Lists of your own, by name. One that has the name of a shipped list takes its place."`
	Risk    *riskSection                         `yaml:"risk" doc:"What happens by the score that a remote service tells of an address. Needs risk in the Caddyfile."`
	Shadow  strict.Value[bool]                   `yaml:"shadow" default:"false" doc:"Judge and report, but let pass."`
}

type riskSection struct {
	strict.At
	Deny      strict.Value[float64]     `yaml:"deny" example:"85" doc:"Refuse from this score on, as the service counts."`
	Challenge strict.Value[float64]     `yaml:"challenge" example:"60" doc:"Ask for a proof from this score on."`
	Flag      strict.Value[float64]     `yaml:"flag" example:"40" doc:"Flag from this score on."`
	Away      strict.Value[unknownWord] `yaml:"away" default:"deny" doc:"What happens when a score is wanted and there is none: the service is away (deny answers unavailable), or does not know the address."`
	Shadow    strict.Value[bool]        `yaml:"shadow" default:"false" doc:"Ask, judge and report, but let pass."`
}

type listSection struct {
	strict.At
	CIDRs    strict.Value[[]strict.Value[string]] `yaml:"cidrs" example:"[203.0.113.0/24]" doc:"Addresses and CIDR blocks."`
	File     strict.Value[string]                 `yaml:"file" example:"hosting.txt" doc:"A file, relative to the ruleset file. It is watched."`
	URL      strict.Value[string]                 `yaml:"url" example:"https://example.com/list.txt" doc:"Where a file is fetched from, now and again. https; http only from this machine, or with sha256."`
	Every    strict.Value[strict.Duration]        `yaml:"every" default:"24h" doc:"How often it is fetched, 1m at least."`
	Format   strict.Value[listFormat]             `yaml:"format" default:"recognised" doc:"The format of the file."`
	Select   *selectSection                       `yaml:"select" doc:"The part of the file that is wanted, in the file's own words. An entry has to fit each word that is given here."`
	SHA256   strict.Value[string]                 `yaml:"sha256" doc:"The checksum of the file, unpacked, as 64 hexadecimal digits. A file with another one is refused."`
	MaxAge   strict.Value[strict.Duration]        `yaml:"max_age" default:"three times every, and a day" doc:"How old what was fetched may get before an alarm is raised."`
	MaxSize  strict.Value[strict.Size]            `yaml:"max_size" default:"32MiB" doc:"The largest file that is taken, unpacked."`
	Required strict.Value[bool]                   `yaml:"required" default:"false" doc:"Refuse everybody as long as the list has never been loaded, where it stands in deny. Otherwise it refuses nobody until then."`
	ASNs     strict.Value[[]strict.Value[asn]]    `yaml:"asns" example:"[64500]" doc:"Autonomous systems, by number. Needs asn_db."`
}

type selectSection struct {
	strict.At
	Services strict.Value[[]strict.Value[string]] `yaml:"services" example:"[EC2]" doc:"Services, one of which an entry has to be of."`
	Regions  strict.Value[[]strict.Value[string]] `yaml:"regions" example:"[us-east-1]" doc:"Regions or countries, one of which an entry has to be of."`
	Tags     strict.Value[[]strict.Value[string]] `yaml:"tags" example:"[AzureCloud.westeurope]" doc:"Tags or names, one of which an entry has to bear."`
}

type geoSection struct {
	Countries strict.AnyOr[country]     `yaml:"countries" default:"any" doc:"Where a request may come from: ISO 3166 codes of the client address. Needs country_db."`
	Match     strict.Value[matchWord]   `yaml:"match" default:"off" doc:"What happens when the number is of another country than the address. Needs country_db."`
	Unknown   strict.Value[unknownWord] `yaml:"unknown" default:"deny if countries are listed, else as match" doc:"What happens when the address is in no country that the database knows, or the database cannot be read."`
	Shadow    strict.Value[bool]        `yaml:"shadow" default:"false" doc:"Judge and report, but let pass."`
}

type numberSection struct {
	Countries strict.AnyOr[region]                    `yaml:"countries" default:"request.region, or those of requests" doc:"Where a code may be sent: regions of the whole number, not of its calling code."`
	Types     strict.AnyOr[numberType]                `yaml:"types" default:"[mobile, fixed_line_or_mobile]" doc:"Kinds of numbers that a code may be sent to. any means those too by which whoever is called earns."`
	Deny      strict.Value[[]strict.Value[forbidden]] `yaml:"deny" default:"[]" example:"[\"+1900\", disposable]" doc:"What is refused: prefixes with country code, quoted, and names of lists of numbers."`
	Lists     strict.Map[*numberListSection]          `yaml:"lists" doc:"Lists of numbers, by name."`
	Unknown   strict.Value[unknownWord]               `yaml:"unknown" default:"deny" doc:"What happens to a number that has as many digits as others in its country, but begins like none known to be in use. deny answers phone_invalid."`
	Shadow    strict.Value[bool]                      `yaml:"shadow" default:"false" doc:"Judge and report, but let pass."`
}

type numberListSection struct {
	strict.At
	Entries  strict.Value[[]strict.Value[string]] `yaml:"entries" example:"[\"+1876*\", \"+4479110000-+4479119999\"]" doc:"Numbers, prefixes that end in a star, and ranges, quoted."`
	File     strict.Value[string]                 `yaml:"file" example:"disposable.txt" doc:"A file of such, relative to the ruleset file: one a line, or CSV or JSON that names its columns. It is watched."`
	Column   strict.Value[string]                 `yaml:"column" default:"found by its name" doc:"The column of CSV, or the field of JSON, that holds them."`
	Prefixes strict.Value[bool]                   `yaml:"prefixes" default:"false" doc:"Take every number in the file for a prefix."`
}

type humanSection struct {
	strict.At
	Require   strict.Value[requireWord]  `yaml:"require" default:"always" doc:"When a proof is asked for: always, guarded (in mode guarded, and when a rule or a check asks for it), challenged (only when a rule or a check asks for it), or never."`
	Turnstile *turnstileSection          `yaml:"turnstile" doc:"Cloudflare Turnstile. Its secret belongs to the wiring, not here."`
	Fallback  strict.Value[fallbackWord] `yaml:"fallback" default:"deny" doc:"What happens when the provider is away."`
	Shadow    strict.Value[bool]         `yaml:"shadow" default:"false" doc:"Look into proofs and report, but let pass."`
}

type turnstileSection struct {
	Hostnames strict.Value[[]strict.Value[string]] `yaml:"hostnames" example:"[login.example.com]" doc:"Hosts on which a proof may have been made. Without it, a proof of any host of the site key is good."`
	Action    strict.Value[string]                 `yaml:"action" example:"send-otp" doc:"The action that the widget was made with. Without it, any is good."`
	MaxAge    strict.Value[strict.Duration]        `yaml:"max_age" default:"5m" doc:"How old a proof may be."`
}

type limitSection struct {
	strict.At
	Name     strict.Value[string]          `yaml:"name" default:"made of the limit itself" doc:"What the limit is called in logs and errors."`
	Per      strict.Many[per]              `yaml:"per" example:"[email, phone]" doc:"What is counted for, alone or together. Left out: everything is counted together."`
	Distinct strict.Value[per]             `yaml:"distinct" example:"phone" doc:"Count different values of this, not events."`
	Max      strict.Value[int]             `yaml:"max" required:"true" min:"1" max:"1000000000" doc:"How many in any span of the window."`
	In       strict.Value[strict.Duration] `yaml:"in" required:"true" example:"24h" doc:"The window, from 1s to 366d."`
	Count    strict.Value[countWord]       `yaml:"count" default:"sends" doc:"Which events."`
	Across   strict.Value[acrossWord]      `yaml:"across" default:"this gate" doc:"all: shared by every gate on this ledger."`
	Away     strict.Value[awayWord]        `yaml:"away" default:"share" doc:"What each gate does by itself while a server that holds the ledger is away: it takes its share of the limit, or all of it (local), or refuses (deny)."`
	Ban      strict.Value[strict.Duration] `yaml:"ban" example:"24h" doc:"Refuse for so long once a request finds the limit full, from 1s to 366d."`
	Shadow   strict.Value[bool]            `yaml:"shadow" default:"false" doc:"Count and report, but let pass."`
}

type budgetSection struct {
	strict.At
	Currency  strict.Value[currencyCode] `yaml:"currency" required:"true" example:"USD" doc:"The currency of all amounts, by its ISO 4217 code."`
	Zone      strict.Value[zone]         `yaml:"zone" default:"UTC" doc:"The time zone whose midnights begin days and months, by its IANA name."`
	Prices    strict.Value[priceSource]  `yaml:"prices" required:"true" example:"prices.csv" doc:"What a code costs: a file, relative to the ruleset file and watched, or prices by prefix, region and default."`
	Day       *spendingSection           `yaml:"day" doc:"What may be spent in a day."`
	Month     *spendingSection           `yaml:"month" doc:"What may be spent in a month."`
	Countries strict.Map[*countryBudget] `yaml:"countries" doc:"What may be spent on numbers of a region, by ISO 3166 code. It counts for the day and month above too."`
	Away      strict.Value[awayWord]     `yaml:"away" default:"share" doc:"What each gate does by itself while a server that holds the ledger is away: it spends its share of the budget, or all of it (local), or nothing (deny)."`
	Across    strict.Value[acrossWord]   `yaml:"across" default:"this gate" doc:"all: one budget for every gate on this ledger that says so with the same currency and zone."`
	Shadow    strict.Value[bool]         `yaml:"shadow" default:"false" doc:"Count and report, but let pass."`
}

type spendingSection struct {
	strict.At
	Alert strict.Value[Money] `yaml:"alert" example:"150" doc:"Raise an alert once more than this is spent."`
	Stop  strict.Value[Money] `yaml:"stop" example:"200" doc:"Never spend more than this: what would is refused until the day or month ends."`
}

type countryBudget struct {
	strict.At
	Day   *spendingSection `yaml:"day" doc:"What may be spent in a day."`
	Month *spendingSection `yaml:"month" doc:"What may be spent in a month."`
}

type ruleSection struct {
	strict.At
	Name   strict.Value[string]   `yaml:"name" required:"true" example:"far-away" doc:"What the rule is called in logs."`
	If     strict.Value[string]   `yaml:"if" example:"phone.country == \"CN\" && ip.country != \"CN\"" doc:"A condition over the facts, in CEL. Left out: always."`
	Then   strict.Value[thenWord] `yaml:"then" required:"true" doc:"What happens to a request that meets it. allow skips the rules below, and nothing else."`
	Shadow strict.Value[bool]     `yaml:"shadow" default:"false" doc:"Report, but go on as if the rule were not there."`
}

type regionSection struct {
	strict.At
	Geo    *regionGeoSection            `yaml:"geo" doc:"What differs of geo."`
	Number *regionNumberSection         `yaml:"number" doc:"What differs of number."`
	Human  *regionHumanSection          `yaml:"human" doc:"What differs of human."`
	Limits strict.Value[[]limitSection] `yaml:"limits" doc:"Limits that take the place of those with the same per, distinct, count, across and in; others are added."`
}

type regionGeoSection struct {
	Countries strict.AnyOr[country]     `yaml:"countries" doc:"Where a request may come from."`
	Match     strict.Value[matchWord]   `yaml:"match" doc:"What happens when the number is of another country than the address."`
	Unknown   strict.Value[unknownWord] `yaml:"unknown" doc:"What happens when the address is in no known country."`
}

type regionNumberSection struct {
	Types strict.AnyOr[numberType] `yaml:"types" doc:"Kinds of numbers that a code may be sent to."`
}

type regionHumanSection struct {
	Require strict.Value[requireWord] `yaml:"require" doc:"When a proof is asked for."`
}

type respondSection struct {
	Cooldown strict.Value[cooldownWord] `yaml:"cooldown" default:"show" doc:"Whether the caller is told the cooldown of the number asked for. hide: it reads refused."`
}
