fn main() { println!("pmh"); }
