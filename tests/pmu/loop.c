/* 10,000,000 rounds of exactly three instructions, for a CPU that counts them exactly (arm64). */
int main(void)
{
	unsigned long rounds = 10000000;
	__asm__ volatile("1: add x9, x9, #1\n"
			 "   subs %0, %0, #1\n"
			 "   b.ne 1b\n"
			 : "+r"(rounds)
			 :
			 : "x9", "cc");
	return 0;
}
