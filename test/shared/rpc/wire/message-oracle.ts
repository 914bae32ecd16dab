/** Any message of any kind, from the generated descriptor, with a second reader and writer of it: the library protobufjs. */
import fc from 'fast-check';
import protobuf from 'protobufjs';
import descriptor from '../../../../shared/rpc/generated/descriptor.json' with { type: 'json' };

const CONVERSION = { longs: Number, defaults: true, arrays: true, oneofs: true } as const;
const PACKAGE = 'keyturn.v1';
const root = protobuf.Root.fromJSON(descriptor).resolveAll();

export const MESSAGE_NAMES: readonly string[] = (root.lookup(PACKAGE) as protobuf.Namespace).nestedArray
  .filter((nested) => nested instanceof protobuf.Type)
  .map(({ name }) => name);

export function encodeByLibrary(name: string, message: object): Buffer {
  const type = root.lookupType(`${PACKAGE}.${name}`);
  return Buffer.from(type.encode(type.fromObject(message)).finish());
}

export function decodeByLibrary(name: string, bytes: Uint8Array): object {
  const type = root.lookupType(`${PACKAGE}.${name}`);
  return type.toObject(type.decode(bytes), CONVERSION);
}

/** Complete messages: every field that is no member of a oneof, and of each oneof one member or none. */
export function anyMessage(name: string): fc.Arbitrary<Record<string, unknown>> {
  const type = root.lookupType(`${PACKAGE}.${name}`);
  const plain = type.fieldsArray.filter(({ partOf }) => !partOf);
  const parts: fc.Arbitrary<Record<string, unknown>>[] = [
    fc.record(Object.fromEntries(plain.map((field) => [field.name, anyField(field)]))),
    ...type.oneofsArray.map(({ name: oneof, fieldsArray }) =>
      fc.oneof(
        fc.constant({}),
        ...fieldsArray.map((field) => anyField(field).map((value) => ({ [oneof]: field.name, [field.name]: value }))),
      ),
    ),
  ];
  return fc.tuple(...parts).map((made) => Object.assign({}, ...made));
}

function anyField(field: protobuf.Field): fc.Arbitrary<unknown> {
  const single = anyValue(field);
  return field.repeated ? fc.array(single, { maxLength: 4 }) : single;
}

function anyValue({ type, resolvedType }: protobuf.Field): fc.Arbitrary<unknown> {
  if (resolvedType instanceof protobuf.Type) return anyMessage(resolvedType.name);
  switch (type) {
    case 'string':
      return fc.string({ unit: 'binary', maxLength: 200 });
    case 'bytes':
      return fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    case 'bool':
      return fc.boolean();
    case 'uint32':
      return fc.oneof(fc.nat(), fc.constantFrom(0, 127, 128, 2 ** 31, 2 ** 32 - 1));
    case 'uint64':
      return fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 127, 128, 2 ** 32, 2 ** 35, 2 ** 49, 2 ** 53 - 1));
    default:
      throw new Error(`no value is known of the type ${type}`);
  }
}
