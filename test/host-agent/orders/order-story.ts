/** What a host that is killed on the way lives through. */

/** The first ends by itself, the second stays until it is stopped. */
export const LIVES = ['01JD9QZ5X8M3K7T2B4N6P8R0AA', '01JD9QZ5X8M3K7T2B4N6P8R0BB'] as const;

/** Each start leaves a line. */
export const SCENARIO = `import time
live = os.environ["KEYTURN_LIVE_RUN"]
with open(out + "/started", "a") as file: file.write(live + "\\n")
if live == "${LIVES[1]}": time.sleep(1000)
`;

/** What comes over the wire, in base64, by name. */
export interface Recorded {
  /** The directive with the order. */
  readonly enable: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly targets: Readonly<Record<string, string>>;
}
