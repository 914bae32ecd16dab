/** What a dry run says on descriptor 3: that it has come to a stop gate, or that it is done. One JSON object a line. */
import { z } from 'zod';

const stopSchema = z.object({
  stopGate: z.string().regex(/^[A-Z][A-Z0-9-]{0,15}$/),
  summary: z.string().max(8_192),
  /** Opaque; given back in `KEYTURN_RESUME`. It goes through an environment, so it holds no NUL. */
  resume: z
    .string()
    .min(1)
    .max(32_768)
    .refine((token) => !token.includes('\0')),
});
const closeoutSchema = z.object({ closeout: z.json() });

export type DryrunLine =
  | { readonly stop: { readonly stopGate: string; readonly summary: string; readonly resume: string } }
  /** As JSON. */
  | { readonly closeout: string };

/** The last line; undefined where there is none, or it is neither of the two. */
export function lastLine(lines: readonly string[]): DryrunLine | undefined {
  const value = jsonOf(lines.at(-1) ?? '');
  const stop = stopSchema.safeParse(value);
  if (stop.success) return { stop: stop.data };
  const closeout = closeoutSchema.safeParse(value);
  return closeout.success ? { closeout: JSON.stringify(closeout.data.closeout) } : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a program may write what it likes; only what is understood counts
  }
}
