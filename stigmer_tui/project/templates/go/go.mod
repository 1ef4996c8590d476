module shop.example/my-project

go 1.21
