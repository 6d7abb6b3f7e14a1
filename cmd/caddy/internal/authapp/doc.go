// Package authapp plays what stands behind and around a gate that an auth
// server is behind: the auth server itself, and the provider that is handed its
// messages.
//
// Better-auth runs for real, from npm. Supabase's and Ory's servers are played,
// by what was recorded of them ([Replay]) and by models of how they read a
// request ([GoTrue], [Kratos]), which the recordings check.
//
// The oracle is the provider ([Receiver]). Whatever a gate and a server make of
// a request: a message that was handed to the provider has to be one to the
// number that the gate judged.
package authapp
