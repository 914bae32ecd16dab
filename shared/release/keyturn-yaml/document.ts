/** The YAML of a `keyturn.yaml`: YAML 1.2 core, one document, no duplicate key, bounded before it is expanded. */
import { type Document, parseAllDocuments } from 'yaml';
import { messageOf, RejectedError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';

const HINT = 'see docs for the shape of keyturn.yaml; it is YAML 1.2 with two spaces of indentation';

/** Errors: `RejectedError` with `keyturn-yaml-too-large` or `keyturn-yaml-unreadable`. */
export function readYaml(text: string): unknown {
  const bytes = Buffer.byteLength(text);
  if (bytes > LIMITS.keyturnYamlBytes) {
    throw new RejectedError(
      'keyturn-yaml-too-large',
      `failed to read keyturn.yaml: ${bytes} bytes, expected at most ${LIMITS.keyturnYamlBytes}`,
    );
  }
  const document = parseOneDocument(text);
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) throw unreadable(firstLine(problem.message), problem);
  try {
    return document.toJS({ maxAliasCount: LIMITS.keyturnYamlAliasCount });
  } catch (cause) {
    throw unreadable(messageOf(cause), cause);
  }
}

function parseOneDocument(text: string): Document {
  const documents = parseDocuments(text);
  const [only] = documents;
  if (!only || documents.length !== 1) throw unreadable(`expected one document, got ${documents.length}`, undefined);
  return only;
}

function parseDocuments(text: string): readonly Document[] {
  try {
    const documents = parseAllDocuments(text, {
      version: '1.2',
      schema: 'core',
      uniqueKeys: true,
      merge: false,
      logLevel: 'silent',
    });
    return Array.isArray(documents) ? documents : [];
  } catch (cause) {
    // Thousands of nested brackets overflow the parser's stack.
    throw unreadable(messageOf(cause), cause);
  }
}

function unreadable(fact: string, cause: unknown): RejectedError {
  return new RejectedError('keyturn-yaml-unreadable', `failed to read keyturn.yaml: ${fact}`, { cause, hint: HINT });
}

function firstLine(message: string): string {
  return message.split('\n')[0]?.replace(/:$/, '') ?? message;
}
