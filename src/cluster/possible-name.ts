/** Names are keys of objects in the register, so what every object inherits cannot be one. */
import { MAX_NAME_LENGTH } from './limits.ts';

/** May this be the name of something in the register? */
export function isPossibleName(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= MAX_NAME_LENGTH &&
    value.isWellFormed() &&
    !(value in Object.prototype) &&
    !hasControlCharacter(value)
  );
}

function hasControlCharacter(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x20 || unit === 0x7f) return true;
  }
  return false;
}
