// Package fleet runs gates as they are run in earnest, many processes of the
// real binary in front of one app, lets many clients ask them at once, and
// judges by the app's own record whether more was let through than the limits
// allow.
//
// The app is in the process of the test, and so are the clients, so that all
// times are of one clock. The judge ([Limit.Judge]) raises no false alarm: it
// takes for each request the span in which its charge must have been taken,
// and calls too many only what is too many wherever in their spans the charges
// were.
package fleet
