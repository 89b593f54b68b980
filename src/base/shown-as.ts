import { inspect, type InspectOptions } from 'node:util';

/**
 * What JSON and `console.log` show of the objects of a class whose fields lead to tokens, credentials or half of the
 * application: `{ lock }` in a log line, or a returned lock, must not carry them out (threat S17).
 */
export function shownAs<T extends object>(
  type: { readonly prototype: T; readonly name: string },
  show: (self: T) => object,
): void {
  const { name } = type;
  Object.defineProperty(type.prototype, 'toJSON', {
    configurable: true,
    value(this: T) {
      return show(this);
    },
  });
  Object.defineProperty(type.prototype, inspect.custom, {
    configurable: true,
    value(this: T, _depth: number, options: InspectOptions) {
      return `${name} ${inspect(show(this), options)}`;
    },
  });
}
