/**
 * PyTorch's random numbers on a CPU, from the same seed: the Mersenne Twister (Matsumoto and
 * Nishimura 1998), its permutations, and normal numbers by Box and Muller. With them a browser
 * draws the same batches and starts from the same noise as the server.
 */

const N = 624;
const M = 397;
const BLOCK = 16;

/** A generator like `torch.Generator().manual_seed(seed)`. */
export class TorchRandom {
  /** @param {number} seed an integer below 2^32 */
  constructor(seed) {
    this.state = new Uint32Array(N);
    this.state[0] = seed >>> 0;
    for (let i = 1; i < N; i += 1) {
      const before = this.state[i - 1] ^ (this.state[i - 1] >>> 30);
      this.state[i] = (Math.imul(1812433253, before) + i) >>> 0;
    }
    this.next = N;
  }

  /** @returns {number} 32 random bits */
  bits() {
    if (this.next === N) this.twist();
    let y = this.state[this.next];
    this.next += 1;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  twist() {
    const state = this.state;
    for (let i = 0; i < N; i += 1) {
      const y = (state[i] & 0x80000000) | (state[(i + 1) % N] & 0x7fffffff);
      state[i] = state[(i + M) % N] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.next = 0;
  }

  /**
   * @param {number} n
   * @returns {number[]} like `torch.randperm(n)`
   */
  permutation(n) {
    const order = Array.from({ length: n }, (_, index) => index);
    for (let i = 0; i < n - 1; i += 1) {
      const other = i + (this.bits() % (n - i));
      [order[i], order[other]] = [order[other], order[i]];
    }
    return order;
  }

  /**
   * @param {number} n a multiple of 16, for which PyTorch draws numbers in blocks
   * @returns {Float32Array} like `torch.randn(n)`, to the last digits of sine and logarithm
   */
  normal(n) {
    if (n % BLOCK) throw new Error(`${n} is not a multiple of ${BLOCK}`);
    const values = Float32Array.from({ length: n }, () => (this.bits() & 0xffffff) / 2 ** 24);
    for (let first = 0; first < n; first += BLOCK) {
      for (let j = first; j < first + BLOCK / 2; j += 1) {
        const radius = Math.sqrt(-2 * Math.log(1 - values[j]));
        const angle = 2 * Math.PI * values[j + BLOCK / 2];
        values[j] = radius * Math.cos(angle);
        values[j + BLOCK / 2] = radius * Math.sin(angle);
      }
    }
    return values;
  }
}
