/**
 * Imported first by every process and thread: what one request writes must never be seen by the objects of another.
 * Without the accessor, `object['__proto__']` is a name like any other; sealed against additions, the object that all
 * others inherit from cannot be given a property that was not there. `--disable-proto=delete` does the first for whole
 * processes; this holds when the server was started without it, too.
 *
 * `delete`, not `throw`: a look-up that was overlooked should find nothing, not end the process. Not frozen: libraries
 * give their own objects a `toString`, which a frozen one would refuse.
 */
Reflect.deleteProperty(Object.prototype, '__proto__');
Object.preventExtensions(Object.prototype);
