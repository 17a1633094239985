/**
 * Just enough of the protobuf wire format to write and read ONNX files, so that building a model needs no code
 * generator: https://protobuf.dev/programming-guides/encoding/
 */

/** Collects the bytes of one message. */
export class MessageWriter {
  #parts: Uint8Array[] = [];

  #varint(value: bigint): void {
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, value);
    do {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      bytes.push(rest > 0n ? low | 0x80 : low);
    } while (rest > 0n);
    this.#parts.push(Uint8Array.from(bytes));
  }

  integer(field: number, value: number): this {
    this.#varint(BigInt(field << 3));
    this.#varint(BigInt(value));
    return this;
  }

  float(field: number, value: number): this {
    this.#varint(BigInt((field << 3) | 5));
    this.#parts.push(new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#varint(BigInt((field << 3) | 2));
    this.#varint(BigInt(value.length));
    this.#parts.push(value);
    return this;
  }

  text(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value, 'utf8'));
  }

  message(field: number, build: (inner: MessageWriter) => unknown): this {
    const inner = new MessageWriter();
    build(inner);
    return this.bytes(field, inner.finish());
  }

  finish(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

/** A field as found: a number for varints, bytes for everything with a length or a fixed width. */
export interface WireField {
  field: number;
  number: number;
  bytes: Uint8Array;
}

/** Walks the fields of one message in file order. @throws RangeError when it is cut short or not protobuf. */
export function* readMessage(message: Uint8Array): Generator<WireField> {
  let at = 0;
  const varint = (): number => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[at++];
      if (byte === undefined) throw new RangeError('a protobuf message ends inside a number');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
    throw new RangeError('a protobuf number is longer than ten bytes');
  };
  const take = (length: number): Uint8Array => {
    if (length < 0 || at + length > message.length) throw new RangeError('a protobuf field ends outside its message');
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const key = varint();
    const field = key >>> 3;
    const wire = key & 7;
    if (wire === 0) yield { field, number: varint(), bytes: new Uint8Array() };
    else if (wire === 1) yield { field, number: Number.NaN, bytes: take(8) };
    else if (wire === 2) yield { field, number: Number.NaN, bytes: take(varint()) };
    else if (wire === 5) yield { field, number: Number.NaN, bytes: take(4) };
    else throw new RangeError(`protobuf wire type ${wire} is not known`);
  }
}
