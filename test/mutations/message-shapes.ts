/**
 * Every message that a control plane can send to a host, with every field, read from the generated descriptor: a field
 * that is added later is found here, and mutated, without anybody thinking of it.
 */
import protobuf from 'protobufjs';

import descriptor from '../../shared/rpc/generated/descriptor.json' with { type: 'json' };

const PACKAGE = 'keyturn.v1.';
/** The services that a host dials. */
const SERVICES = ['Enrolment', 'AgentGateway'];

const root = protobuf.Root.fromJSON(descriptor);

export interface FieldShape {
  /** The message that the field is of. */
  readonly message: string;
  readonly name: string;
  readonly number: number;
  readonly kind: 'number' | 'truth' | 'text' | 'bytes' | 'message';
  /** Of a field of kind `message`. */
  readonly messageName: string;
  readonly isRepeated: boolean;
  /** The other fields of its oneof. */
  readonly rivals: readonly string[];
}

/** Fields by message, in the order in which the services reach them. */
export function messagesToHosts(): ReadonlyMap<string, readonly FieldShape[]> {
  const shapes = new Map<string, readonly FieldShape[]>();
  const reach = (name: string): void => {
    if (shapes.has(name)) return;
    const fields = fieldsOf(name);
    shapes.set(name, fields);
    for (const { kind, messageName } of fields) if (kind === 'message') reach(messageName);
  };
  for (const service of SERVICES) {
    for (const method of root.lookupService(PACKAGE + service).methodsArray) reach(method.responseType);
  }
  return shapes;
}

/** `Deploy.runId` */
export function keyOf({ message, name }: Pick<FieldShape, 'message' | 'name'>): string {
  return `${message}.${name}`;
}

/** Numbers that the message keeps for later. */
export function reservedNumbers(message: string): number[] {
  const { reserved = [] } = root.lookupType(PACKAGE + message);
  return reserved
    .filter((range) => typeof range !== 'string')
    .flatMap(([first, last]) => [first as number, last as number]);
}

function fieldsOf(message: string): FieldShape[] {
  return root.lookupType(PACKAGE + message).fieldsArray.map((field) => ({
    message,
    name: field.name,
    number: field.id,
    kind: kindOf(field),
    messageName: field.resolve().resolvedType?.name ?? '',
    isRepeated: field.repeated,
    rivals: (field.partOf?.oneof ?? []).filter((name) => name !== field.name),
  }));
}

function kindOf(field: protobuf.Field): FieldShape['kind'] {
  if (field.resolve().resolvedType instanceof protobuf.Type) return 'message';
  switch (field.type) {
    case 'string':
      return 'text';
    case 'bytes':
      return 'bytes';
    case 'bool':
      return 'truth';
    case 'uint32':
    case 'uint64':
      return 'number';
    default:
      throw new Error(`no mutation is known for a field of type "${field.type}": ${field.fullName}`);
  }
}
