mod differential;
mod generator;
mod model;
mod vectors;
