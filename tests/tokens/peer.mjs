// What the tests of token files ask of the npm package otpauth: for each URI of the input the code
// at 2,000,000,000 or at its counter, and the URI as the package writes it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { URI, TOTP } = createRequire(`${process.env.KEYFOB_PEERS}/`)("otpauth");

for (const line of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const otp = URI.parse(line);
  const code = otp instanceof TOTP ? otp.generate({ timestamp: 2_000_000_000_000 }) : otp.generate({ counter: otp.counter });
  console.log(code, String(otp));
}
