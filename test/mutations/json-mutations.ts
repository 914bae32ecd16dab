/** A JSON document with one member changed, in every way that a reader might overlook. */
import { canonicalText, type Json } from '../../shared/canonical-json.ts';

type JsonObject = { [member: string]: Json };
type Editable = JsonObject | Json[];
type Place = { readonly path: readonly (string | number)[]; readonly value: Json };

export interface DocumentMutation {
  /** `signed.roles.root.threshold` */
  readonly member: string;
  readonly mutation: string;
  readonly bytes: Buffer;
}

/** Stands behind a member's name in the text until the text is made; then the name stands there twice. */
const TWICE = '\u0001twice';

const OTHER_TYPES: readonly Json[] = [null, 7, 'seven', [], {}, true];

/**
 * `thorough`: every member and every element is altered, left out, given another type and spelt in another way;
 * `in-turn`: one of these ways each. Where a digest stands over the whole, each member meets the same
 * rule, and turns are enough.
 */
export function documentMutations(bytes: Buffer, ways: 'thorough' | 'in-turn'): DocumentMutation[] {
  const document = JSON.parse(bytes.toString('utf8')) as Json;
  return [...placesIn(document, [])].flatMap((place, turn) => {
    const all = [...changes(document, place, turn), ...additions(document, place)];
    return (ways === 'thorough' ? all : all.filter((_, index) => index === turn % all.length))
      .map(([mutation, text]) => ({ member: nameOf(place), mutation, bytes: Buffer.from(text) }))
      .filter((mutated) => !mutated.bytes.equals(bytes));
  });
}

/** The document with one value altered at each place, by the value's name: for those who sign it anew. */
export function alteredDocuments(document: Json): { member: string; document: Json }[] {
  return [...placesIn(document, [])].map((place) => ({
    member: nameOf(place),
    document: edited(document, place, (parent, key) => void set(parent, key, altered(place.value))),
  }));
}

function* placesIn(value: Json, path: readonly (string | number)[]): Generator<Place> {
  if (path.length > 0) yield { path, value };
  if (Array.isArray(value)) {
    for (const [index, element] of value.entries()) yield* placesIn(element, [...path, index]);
  } else if (isObject(value)) {
    for (const [name, member] of Object.entries(value)) yield* placesIn(member as Json, [...path, name]);
  }
}

function changes(document: Json, place: Place, turn: number): [string, string][] {
  const { value } = place;
  const put = (other: Json) => canonicalText(edited(document, place, (parent, key) => void set(parent, key, other)));
  const otherTypes = OTHER_TYPES.filter((other) => typeOf(other) !== typeOf(value));
  const other = otherTypes[turn % otherTypes.length] as Json;
  return [
    ['altered', put(altered(value))],
    ['left out', canonicalText(edited(document, place, remove))],
    [`${typeOf(other)} instead`, put(other)],
    ...spellings(document, place, turn),
  ];
}

function spellings(document: Json, place: Place, turn: number): [string, string][] {
  const { path, value } = place;
  const name = path.at(-1);
  if (typeof name !== 'string') return turn % 2 === 0 ? [['twice in the list', twiceInList(document, place)]] : [];
  const rename = (text: string) =>
    edited(document, place, (parent, key) => {
      set(parent, text, (parent as JsonObject)[key as string] as Json);
      remove(parent, key);
    });
  const twice = (first: Json, second: Json) =>
    canonicalText(
      edited(document, place, (parent, key) => {
        set(parent, key, first);
        set(parent, `${key}${TWICE}`, second);
      }),
    ).replace(JSON.stringify(TWICE).slice(1, -1), '');
  const all: [string, () => string][] = [
    ['under another name', () => canonicalText(rename(`${name}x`))],
    ['named twice, altered behind', () => twice(value, altered(value))],
    ['under a name in capitals', () => canonicalText(rename(name.toUpperCase()))],
    ['named twice, altered in front', () => twice(altered(value), value)],
    ['named twice alike', () => twice(value, value)],
    ['its name escaped', () => canonicalText(document).replace(`"${name}":`, `"${escaped(name)}":`)],
    ['spelt in a second way', () => respelt(document, place)],
  ];
  return [all[turn % all.length] as (typeof all)[number]].map(([label, text]) => [label, text()]);
}

function additions(document: Json, place: Place): [string, string][] {
  const { value } = place;
  const put = (other: Json) => canonicalText(edited(document, place, (parent, key) => void set(parent, key, other)));
  if (isObject(value)) {
    const before = canonicalText(value);
    const grown = before === '{}' ? '{"__proto__":{}}' : before.replace('{', '{"__proto__":{"polluted":true},');
    return [
      ['one member more', put({ ...value, zz: 1 })],
      ['__proto__ in it', canonicalText(document).replace(before, grown)],
    ];
  }
  if (!Array.isArray(value) || value.length < 2) return [];
  return [['in reverse', put([...(value as Json[])].reverse())]];
}

/** The same value in another spelling that every JSON parser takes: what is hashed or canonical must not have it. */
function respelt(document: Json, { value }: Place): string {
  const text = canonicalText(document);
  const spelling = canonicalText(value);
  if (typeof value === 'number') return text.replace(spelling, `${spelling}.0`);
  if (typeof value === 'string') return text.replace(spelling, `"${escaped(value)}"`);
  return text.replace(spelling, ` ${spelling}`);
}

function escaped(text: string): string {
  const code = text.charCodeAt(0).toString(16).padStart(4, '0');
  return text === '' ? '\\u0041' : `\\u${code}${JSON.stringify(text.slice(1)).slice(1, -1)}`;
}

function twiceInList(document: Json, place: Place): string {
  return canonicalText(
    edited(document, place, (parent, key) => {
      (parent as Json[]).splice(key as number, 0, place.value);
    }),
  );
}

export function altered(value: Json): Json {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'boolean') return !value;
  if (value === null) return 0;
  if (typeof value === 'string') return alteredText(value);
  if (Array.isArray(value)) return [...(value as Json[]), ...(value.length > 0 ? [value[0] as Json] : ['more'])];
  return { ...value, more: 1 };
}

/** Stays what it looks like: a digest stays a digest, a date a date. */
function alteredText(text: string): string {
  const at = text.search(/[0-9a-z](?=[^0-9a-z]*$)/);
  if (at < 0) return `${text}x`;
  const sign = text[at] as string;
  const next = sign === '9' ? '0' : sign === 'f' || sign === 'z' ? 'a' : String.fromCharCode(sign.charCodeAt(0) + 1);
  return text.slice(0, at) + next + text.slice(at + 1);
}

function edited(document: Json, { path }: Place, edit: (parent: Editable, key: string | number) => void): Json {
  const copy = structuredClone(document) as Json;
  let parent = copy as Editable;
  for (const step of path.slice(0, -1)) parent = (parent as JsonObject)[step as string] as Editable;
  edit(parent, path.at(-1) as string | number);
  return copy;
}

function set(parent: Editable, key: string | number, value: Json): void {
  Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true });
}

function remove(parent: Editable, key: string | number): void {
  if (Array.isArray(parent)) parent.splice(key as number, 1);
  else delete parent[key];
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function typeOf(value: Json): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'list' : typeof value;
}

function nameOf({ path }: Place): string {
  return path
    .map((step) => (/^[0-9a-f]{64}$/.test(String(step)) ? `${String(step).slice(0, 8)}\u2026` : step))
    .join('.');
}
