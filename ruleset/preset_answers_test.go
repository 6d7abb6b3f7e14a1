package ruleset

import (
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/answer"
)

// What the experimental presets make of answers, as the sources of the servers
// write them. The file that does so stands behind each.
func TestPresetAnswers(t *testing.T) {
	const sent, notSent, unknown = answer.Sent, answer.NotSent, answer.Unknown
	for _, row := range []struct {
		preset, shape string
		status        int
		body          string
		want          answer.Meaning
	}{
		// nhost: services/auth/go/controller and internal/lib/oapi.
		{"nhost", "sign-in", 200, `"OK"`, unknown},                                                                         // sign_in_passwordless_sms.go
		{"nhost", "sign-up", 200, `"OK"`, unknown},                                                                         // sign_up_passwordless_sms.go: also for who has an account
		{"nhost", "deanonymize", 200, `"OK"`, sent},                                                                        // deanonymize_user_sms.go
		{"nhost", "change", 200, `"OK"`, sent},                                                                             // change_user_phone_number.go
		{"nhost", "elevate", 200, `"OK"`, sent},                                                                            // elevate_otp_sms.go
		{"nhost", "sign-in", 400, `{"status":400,"error":"invalid-request","message":"x"}`, unknown},                       // errors.go: what hides others
		{"nhost", "sign-in", 400, `{"status":400,"error":"cannot-send-sms","message":"x"}`, unknown},                       // errors.go: the provider was asked
		{"nhost", "sign-in", 401, `{"status":401,"error":"disabled-user","message":"x"}`, unknown},                         // workflows.go: new users are disabled behind the message
		{"nhost", "sign-in", 403, `{"status":403,"error":"signup-disabled","message":"x"}`, unknown},                       // workflows.go: asked behind the message
		{"nhost", "sign-up", 403, `{"status":403,"error":"signup-disabled","message":"x"}`, notSent},                       // sign_up_passwordless_sms.go: asked before
		{"nhost", "sign-up", 403, `{"error":"missing x-cf-turnstile-response header"}`, notSent},                           // middleware/turnstile.go
		{"nhost", "sign-in", 409, `{"status":409,"error":"disabled-endpoint","message":"x"}`, notSent},                     // errors.go
		{"nhost", "change", 409, `{"status":409,"error":"user-already-exists","message":"x"}`, unknown},                    // change_user_phone_number.go: before and behind
		{"nhost", "sign-in", 400, `{"status":400,"error":"role-not-allowed","message":"x"}`, notSent},                      // workflows.go: options are looked at first
		{"nhost", "sign-in", 400, `{"error":"schema-validation-error","reason":"x"}`, notSent},                             // oapi/request.go
		{"nhost", "sign-in", 400, `{"error":"request-validation-error","reason":"x"}`, notSent},                            // oapi/request.go
		{"nhost", "elevate", 401, `{"error":"unauthorized","reason":"x","securityScheme":"BearerAuth"}`, notSent},          // oapi/request.go
		{"nhost", "sign-in", 429, ``, notSent},                                                                             // middleware/ratelimit/rate_limit.go
		{"nhost", "sign-in", 500, `{"status":500,"error":"internal-server-error","message":"x"}`, unknown},                 // sign_in_passwordless_sms.go: the code is stored behind the message
		{"nhost", "sign-up", 500, `{"error":"internal server error when attempting to pass turnstile"}`, unknown},          // middleware/turnstile.go
		{"nhost", "sign-in", 400, `{"errors":"bad-request","message":"x"}`, unknown},                                       // oapi/oapi.go
		{"nhost", "sign-up", 400, `{"status":400,"error":"default-role-must-be-in-allowed-roles","message":"x"}`, notSent}, // workflows.go

		// SuperTokens: lib/ts/recipe/passwordless/api.
		{"supertokens", "code", 200, `{"status":"OK","deviceId":"d","preAuthSessionId":"p","flowType":"USER_INPUT_CODE"}`, sent},               // implementation.ts
		{"supertokens", "code", 200, `{"status":"GENERAL_ERROR","message":"x"}`, notSent},                                                      // createCode.ts
		{"supertokens", "code", 200, `{"status":"SIGN_IN_UP_NOT_ALLOWED","reason":"x"}`, notSent},                                              // implementation.ts
		{"supertokens", "resend", 200, `{"status":"OK"}`, sent},                                                                                // implementation.ts
		{"supertokens", "resend", 200, `{"status":"RESTART_FLOW_ERROR"}`, notSent},                                                             // implementation.ts
		{"supertokens", "resend", 200, `{"status":"GENERAL_ERROR","message":"Failed to generate a one time code. Please try again"}`, notSent}, // implementation.ts
		{"supertokens", "code", 400, `{"message":"Please provide exactly one of email or phoneNumber"}`, notSent},                              // createCode.ts
		{"supertokens", "code", 401, `{"message":"try refresh token"}`, notSent},                                                               // recipe/session
		{"supertokens", "code", 500, `Internal Server Error`, unknown},                                                                         // smsdelivery: who delivers has failed
		{"supertokens", "code", 200, `{"status":"SOMETHING_OF_THE_APP"}`, unknown},                                                             // an override of the app's own

		// keycloak-phone-provider: cc/coopersoft/keycloak/phone/providers.
		{"keycloak-phone-provider", "code", 200, `{"expires_in":60}`, unknown},                   // rest/TokenCodeResource.java
		{"keycloak-phone-provider", "code", 200, `{"expires_in":41}`, unknown},                   // spi/impl/DefaultPhoneProvider.java: an earlier code holds
		{"keycloak-phone-provider", "code", 400, `{"error":"Phone number is invalid"}`, notSent}, // rest/TokenCodeResource.java
		{"keycloak-phone-provider", "code", 403, `{"error":"Phone number not found"}`, notSent},  // rest/TokenCodeResource.java
		{"keycloak-phone-provider", "code", 503, `{"error":"Internal server error"}`, unknown},   // spi/impl/DefaultPhoneProvider.java: the provider was asked
		{"keycloak-phone-provider", "code", 404, `{"error":"Realm does not exist"}`, notSent},    // Keycloak
		{"keycloak-phone-provider", "code", 500, `{"error":"unknown_error"}`, unknown},           // Keycloak

		// Logto: packages/core/src.
		{"logto", "code", 200, `{"verificationId":"v"}`, unknown},                                               // routes/experience/verification-routes/verification-code.ts
		{"logto", "account", 201, `{"verificationRecordId":"v","expiresAt":"x"}`, sent},                         // routes/verification/index.ts
		{"logto", "legacy", 204, ``, unknown},                                                                   // routes/interaction/additional.ts
		{"logto", "second-factor", 200, `{"verificationId":"v"}`, unknown},                                      // routes/experience/verification-routes/verification-code.ts
		{"logto", "code", 400, `{"message":"x","code":"guard.invalid_input","data":{}}`, notSent},               // middleware/koa-guard.ts
		{"logto", "second-factor", 400, `{"message":"x","code":"session.identifier_not_found"}`, notSent},       // verification-code-helpers.ts
		{"logto", "second-factor", 400, `{"message":"x","code":"session.mfa.mfa_factor_not_enabled"}`, notSent}, // verification-code-helpers.ts
		{"logto", "subject", 404, `{"message":"x","code":"session.identifier_not_found"}`, notSent},             // subject-verification-code-helpers.ts
		{"logto", "code", 403, `{"message":"x","code":"session.step_up.forbidden_identifier"}`, notSent},        // verification-code.step-up.openapi.json
		{"logto", "code", 400, `{"message":"x","code":"session.not_found"}`, unknown},                           // the interaction may end while the message goes out
		{"logto", "code", 400, `{"message":"x","code":"connector.general","data":{}}`, unknown},                 // libraries/passcode.ts: the connector was asked
		{"logto", "code", 401, `{"message":"x","code":"connector.authorization_failed"}`, unknown},              // libraries/passcode.ts
		{"logto", "account", 401, `{"message":"x","code":"auth.unauthorized"}`, notSent},                        // middleware/koa-auth
		{"logto", "code", 429, `{"message":"x","code":"request.message_rate_limited"}`, notSent},                // sentinel/message-rate-guard.ts
		{"logto", "code", 501, `{"message":"x","code":"connector.not_found"}`, notSent},                         // libraries/connector.ts
		{"logto", "code", 500, `{"message":"Internal server error."}`, unknown},

		// Appwrite: app/controllers/api/account.php and src/Appwrite/Platform/Modules.
		{"appwrite", "token", 201, `{"$id":"t","userId":"u","secret":"","expire":"x","phrase":""}`, sent},        // account.php
		{"appwrite", "verification", 201, `{"$id":"t","userId":"u","secret":"","expire":"x","phrase":""}`, sent}, // account.php
		{"appwrite", "mfa", 201, `{"$id":"c","userId":"u","expire":"x"}`, sent},                                  // Account/Http/Account/MFA/Challenges/Create.php
		{"appwrite", "invitation", 201, `{"$id":"m","userId":"u","teamId":"t","confirm":false}`, sent},           // Teams/Http/Memberships/Create.php
		{"appwrite", "invitation-user", 201, `{"$id":"m","userId":"u","teamId":"t","confirm":false}`, sent},      // the same; it may have been a mail
		{"appwrite", "token", 400, `{"message":"x","code":400,"type":"general_argument_invalid"}`, notSent},      // Appwrite/Auth/Validator/Phone.php
		{"appwrite", "token", 429, `{"message":"x","code":429,"type":"general_rate_limit_exceeded"}`, notSent},   // app/controllers/shared/api.php
		{"appwrite", "mfa", 401, `{"message":"x","code":401,"type":"general_unauthorized_scope"}`, notSent},      // app/controllers/shared/api.php
		{"appwrite", "token", 501, `{"message":"x","code":501,"type":"general_phone_disabled"}`, notSent},        // Challenges/Create.php
		{"appwrite", "invitation", 409, `{"message":"x","code":409,"type":"user_already_exists"}`, notSent},      // Memberships/Create.php
		{"appwrite", "token", 500, `{"message":"x","code":500,"type":"general_unknown"}`, unknown},

		// Casdoor: controllers/verification.go and object/verification.go.
		{"casdoor", "code", 200, `{"status":"ok","msg":"","data":null}`, sent},
		{"casdoor", "code", 200, `{"status":"error","msg":"Turing test failed.","data":null}`, notSent},
		{"casdoor", "code", 200, `{"status":"error","msg":"Phone already exists","data":null}`, notSent},
		{"casdoor", "code", 200, `{"status":"error","msg":"the user does not exist, please sign up first","data":null}`, notSent},
		{"casdoor", "code", 200, `{"status":"error","msg":"SMS service returned 21610","data":null}`, unknown},
		{"casdoor", "forgotten", 200, `{"status":"ok","msg":"","data":null}`, unknown}, // controllers/password_recovery.go: a mail, an SMS or nothing
		{"casdoor", "code", 404, `404`, notSent},
	} {
		reader := answersOf(t, row.preset, row.shape)
		var reading answer.Reading
		reading.Begin(reader, row.status, http.Header{"Content-Type": {"application/json"}}, time.Time{})
		if _, err := io.WriteString(&reading, row.body); err != nil {
			t.Fatal(err)
		}
		if got := reading.End().Meaning; got != row.want {
			t.Errorf("%s, %s: %d %s is %s, want %s", row.preset, row.shape, row.status, row.body, got, row.want)
		}
	}
}

// answersOf returns what reads the answers to requests of a preset's shape.
func answersOf(t *testing.T, preset, shape string) *answer.Reader {
	t.Helper()
	rules, problems := Compile("rules.yaml", []byte("version: 1\npreset: "+preset+"\nnumber: {countries: [US]}\n"), nil, Wiring{Unwired: true})
	if rules == nil {
		t.Fatal(problems)
	}
	i := slices.IndexFunc(rules.shapes.list, func(s shapeSettings) bool { return s.name == shape })
	if i < 0 {
		t.Fatalf("preset %s has no shape %s", preset, shape)
	}
	return rules.shapes.list[i].answers.reader
}
