// A front end of the app, with better-auth's own client: somebody signs up, has
// a number verified, forgets a password and adds a second factor.
//
// BASE_URL is where the app is, and BASE_PATH the path of better-auth there. It
// is a line of JSON for each step, with what the client makes of the answer. A
// line with token asks for a new proof, and one with code for the code that was
// sent to a number; each is answered with a line.

import "./globals.mjs";
import { createInterface } from "node:readline";
import { createAuthClient } from "better-auth/client";
import { phoneNumberClient, twoFactorClient } from "better-auth/client/plugins";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
async function asked(what) {
	console.log(JSON.stringify(what));
	return (await lines.next()).value;
}

// What a browser does by itself: it keeps cookies, and says where a page is from.
const jar = new Map();
async function browser(url, init) {
	const headers = new Headers(init.headers);
	headers.set("Origin", process.env.BASE_URL);
	if (jar.size) headers.set("Cookie", [...jar].map(([name, value]) => `${name}=${value}`).join("; "));
	const answer = await fetch(url, { ...init, headers });
	for (const line of answer.headers.getSetCookie()) {
		const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
		if (value && !/max-age=0\b/i.test(line)) jar.set(name, value);
		else jar.delete(name);
	}
	return answer;
}

const client = createAuthClient({
	baseURL: process.env.BASE_URL,
	basePath: process.env.BASE_PATH,
	plugins: [phoneNumberClient(), twoFactorClient()],
	fetchOptions: { customFetchImpl: browser },
});

// proof is what a page puts beside whatever sends a code.
const proof = async () => ({ headers: { "x-captcha-response": await asked({ token: true }) } });
const code = (to) => asked({ code: to });

async function step(name, answer) {
	const { data, error } = await answer;
	console.log(JSON.stringify({ step: name, data, error }));
	return data;
}

const phoneNumber = "+14155550111", later = "+14155550112";
const email = "a@example.com", first = "the first password", second = "the second password";

await step("sign up", client.signUp.email({ email, password: first, name: "A", phoneNumber }));
await step("no proof", client.phoneNumber.sendOtp({ phoneNumber }));
await step("send", client.phoneNumber.sendOtp({ phoneNumber, fetchOptions: await proof() }));
await step("verify", client.phoneNumber.verify({ phoneNumber, code: await code(phoneNumber) }));
await step("update", client.updateUser({ name: "B" }));
await step("session", client.getSession());

await step("sign out", client.signOut());
await step("forget", client.phoneNumber.requestPasswordReset({ phoneNumber, fetchOptions: await proof() }));
await step("reset", client.phoneNumber.resetPassword({ phoneNumber, otp: await code(phoneNumber), newPassword: second }));
await step("old password", client.signIn.phoneNumber({ phoneNumber, password: first, fetchOptions: await proof() }));
await step("sign in", client.signIn.phoneNumber({ phoneNumber, password: second, fetchOptions: await proof() }));

await step("enable", client.twoFactor.enable({ password: second }));
await step("factor, no proof", client.twoFactor.sendOtp());
await step("factor", client.twoFactor.sendOtp({ fetchOptions: await proof() }));
await step("factor, verify", client.twoFactor.verifyOtp({ code: await code(phoneNumber) }));
await step("sign out again", client.signOut());
await step("half a sign-in", client.signIn.email({ email, password: second }));
await step("second factor", client.twoFactor.sendOtp({ fetchOptions: await proof() }));
await step("second factor, verify", client.twoFactor.verifyOtp({ code: await code(phoneNumber) }));
await step("signed in", client.getSession());
await step("sign out at last", client.signOut());

await step("sign up, unverified", client.signUp.email({ email: "b@example.com", password: first, name: "B", phoneNumber: later }));
await step("sign in, unverified", client.signIn.phoneNumber({ phoneNumber: later, password: first, fetchOptions: await proof() }));
await step("verify, unverified", client.phoneNumber.verify({ phoneNumber: later, code: await code(later) }));
await step("spelled with spaces", client.phoneNumber.sendOtp({ phoneNumber: "+1 415 555 0112", fetchOptions: await proof() }));
await step("sign up, no number", client.signUp.email({ email: "c@example.com", password: first, name: "C" }));
process.exit(0);
