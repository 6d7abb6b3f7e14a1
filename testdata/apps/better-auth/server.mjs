// An app that signs people in by phone, with better-auth as its documentation
// has it. Codes go to the receiver whose URL is in SMS_URL, a line of JSON for
// each; the app answers after the receiver has.
//
// OPTIONS is JSON: auth is what else better-auth is told; bearer takes sessions
// from the Authorization header too; express puts Express with its parsers of
// bodies before it, as many apps do.
//
// It listens on a free port of 127.0.0.1, says which in its first line, and
// ends when its standard input does.

import "./globals.mjs";
import { AsyncLocalStorage } from "node:async_hooks";
import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { toNodeHandler } from "better-auth/node";
import { bearer, emailOTP, phoneNumber, twoFactor } from "better-auth/plugins";
import express from "express";

const options = JSON.parse(process.env.OPTIONS || "{}");

// asked holds the request that is being served, so that whoever gets a message
// knows by which request it was sent.
const asked = new AsyncLocalStorage();

async function sms(kind, to, code) {
	const { headers } = asked.getStore();
	const answer = await fetch(process.env.SMS_URL, {
		method: "POST",
		headers: { "Content-Type": "application/json" },
		body: JSON.stringify({
			kind, to, code,
			request: headers["x-request"] ?? "",
			gate_id: headers["x-gate-id"] ?? "",
			judged: headers["x-judged"] ?? "",
		}),
	});
	if (!answer.ok) throw new Error(`the provider answers ${answer.status}`);
}

const auth = betterAuth({
	baseURL: process.env.BASE_URL,
	secret: "a secret of an app that lives as long as a test",
	database: memoryAdapter({ user: [], session: [], account: [], verification: [], twoFactor: [] }),
	trustedOrigins: ["http://127.0.0.1:*"],
	emailAndPassword: {
		enabled: true,
		// Hashing takes its time, and nobody is to wait for it.
		password: { hash: async (password) => password, verify: async ({ hash, password }) => hash === password },
	},
	rateLimit: { enabled: false }, // the gate is to be the only one that counts
	telemetry: { enabled: false },
	logger: { disabled: true },
	plugins: [
		phoneNumber({
			otpLength: 6,
			expiresIn: 300,
			allowedAttempts: 3,
			requireVerification: true,
			sendOTP: ({ phoneNumber, code }) => sms("otp", phoneNumber, code),
			sendPasswordResetOTP: ({ phoneNumber, code }) => sms("reset", phoneNumber, code),
			signUpOnVerification: {
				getTempEmail: (phone) => `${phone.replace(/[^0-9]/g, "")}@tmp.example.com`,
				getTempName: (phone) => phone,
			},
		}),
		twoFactor({
			otpOptions: { sendOTP: ({ user, otp }) => sms("two-factor", user.phoneNumber, otp) },
		}),
		// Mail costs nothing, but somebody reads the code in it.
		emailOTP({ sendVerificationOTP: ({ email, otp }) => sms("mail", email, otp) }),
		...(options.bearer ? [bearer()] : []),
	],
	...options.auth,
});

let handle = toNodeHandler(auth);
if (options.express) {
	const app = express().set("env", "test"); // which does not write errors down
	app.use(express.json(), express.urlencoded({ extended: true }));
	app.all("*", (req, res, next) => toNodeHandler(auth)(req, res).catch(next));
	handle = app;
}
const server = createServer((req, res) =>
	asked.run(req, async () => {
		try {
			await handle(req, res);
		} catch {
			res.writeHead(400).end(); // a target that is no URL would end the process
		}
	}),
);
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify(server.address())));
process.stdin.resume().on("end", () => process.exit(0));
