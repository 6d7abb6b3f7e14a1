// Node 18, which Debian 12 has, keeps this behind a flag. It is imported before
// all that needs it.
import { webcrypto } from "node:crypto";

globalThis.crypto ??= webcrypto;
