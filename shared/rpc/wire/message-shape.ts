/** The messages and services of `proto/keyturn/v1` as tables, from the generated descriptor; each is made when it is needed. */
import descriptor from '../generated/descriptor.json' with { type: 'json' };
import { WIRE_TYPES } from './wire-reader.ts';

export const PACKAGE = 'keyturn.v1';

export type FieldKind = 'uint32' | 'uint64' | 'bool' | 'string' | 'bytes' | 'message';

export interface FieldShape {
  readonly name: string;
  readonly number: number;
  readonly kind: FieldKind;
  /** Of the field, or of each of its items unless they are packed. */
  readonly wireType: number;
  readonly isRepeated: boolean;
  /** The oneof that it is a member of: then it is sent even when it is empty. */
  readonly oneof: string | undefined;
  /** Of a field of kind `message`. */
  readonly messageName: string;
}

export interface MessageShape {
  readonly name: string;
  /** By number, as they are sent. */
  readonly fields: readonly FieldShape[];
  readonly byNumber: ReadonlyMap<number, FieldShape>;
}

export interface MethodShape {
  readonly name: string;
  readonly request: string;
  readonly response: string;
  readonly isRequestStream: boolean;
  readonly isResponseStream: boolean;
}

interface Declared {
  readonly fields?: Readonly<Record<string, { type: string; id: number; rule?: string }>>;
  readonly oneofs?: Readonly<Record<string, { oneof: readonly string[] }>>;
  readonly methods?: Readonly<
    Record<string, { requestType: string; responseType: string; requestStream?: boolean; responseStream?: boolean }>
  >;
}

const declared: Readonly<Record<string, Declared>> = descriptor.nested.keyturn.nested.v1.nested;
const shapes = new Map<string, MessageShape>();

export function messageShape(name: string): MessageShape {
  const known = shapes.get(name) ?? makeShape(name);
  shapes.set(name, known);
  return known;
}

export function methodShapes(service: string): MethodShape[] {
  return Object.entries(declaredAs(service).methods ?? {}).map(([name, method]) => ({
    name,
    request: method.requestType,
    response: method.responseType,
    isRequestStream: method.requestStream === true,
    isResponseStream: method.responseStream === true,
  }));
}

function makeShape(name: string): MessageShape {
  const { fields = {}, oneofs = {} } = declaredAs(name);
  const made = Object.entries(fields).map(([field, { type, id, rule }]): FieldShape => {
    const kind = kindOf(type);
    const [oneof] = Object.entries(oneofs).find(([, { oneof: members }]) => members.includes(field)) ?? [];
    return {
      name: field,
      number: id,
      kind,
      wireType: isNumber(kind) || kind === 'bool' ? WIRE_TYPES.varint : WIRE_TYPES.sized,
      isRepeated: rule === 'repeated',
      oneof,
      messageName: kind === 'message' ? type : '',
    };
  });
  made.sort((one, other) => one.number - other.number);
  return { name, fields: made, byNumber: new Map(made.map((field) => [field.number, field])) };
}

export function isNumber(kind: FieldKind): boolean {
  return kind === 'uint32' || kind === 'uint64';
}

function kindOf(type: string): FieldKind {
  if (type === 'uint32' || type === 'uint64' || type === 'bool' || type === 'string' || type === 'bytes') return type;
  declaredAs(type);
  return 'message';
}

function declaredAs(name: string): Declared {
  const found = Object.hasOwn(declared, name) ? declared[name] : undefined;
  if (found === undefined) throw new Error(`"${name}" is not declared in the generated descriptor`);
  return found;
}
